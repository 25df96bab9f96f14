"""Run `genconf-host ask`: a command of a playbook, without Ansible's library.

For a module, Ansible uploads this package with each task and imports it together with Ansible's
library. That takes 0.2 s of CPU time on a host that serves requests. The installed package is compiled.
It runs a command only if it is identical to the package of the playbook.
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

from .edition import edition

# Who answers for which of Ansible's modules.
ANSWERERS = {
    "genconf_bypass": "bypass",
    "genconf_converge": "converge",
    "genconf_files": "described",
    "genconf_release": "release",
    "genconf_status": "status",
}
# Another text than the playbook's is here. What does not know `ask` yet ends with 2, argparse's own.
ANOTHER = 3


def main() -> int:
    """Answers the question on standard input, if the edition named is the one that lies here."""
    if sys.argv[2:] != [edition(Path(__file__).parent)]:
        return ANOTHER
    asked = json.load(sys.stdin)
    answerer = importlib.import_module(f".{ANSWERERS[asked['module']]}", __package__)
    print(json.dumps(answerer.QUESTION.answered(asked["given"], dry=asked["dry"])))
    return 0
