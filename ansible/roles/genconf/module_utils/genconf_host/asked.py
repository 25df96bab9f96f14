"""`genconf-host ask`: a playbook's questions, answered without Ansible's own library.

Ansible brings this package along with each task and has it read from its text, below a library of
its own: a fifth of a second of a processor that has requests to answer. What lies here is compiled.
It answers only if it is what the playbook would have brought.
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
