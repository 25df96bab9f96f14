"""What genconf does on a host.

Each module is named by the noun it defines:

  description  what a host should run, as the inventory tells it
  acceptance   would the engine take this configuration?
  files        what is on disk: written atomically, with a diff, removed only if ours
  former       what was on disk before a run replaced it
  store        the releases of one app and the link that says which one runs
  lease        who is working on this host, and since when
  systemd      the state of units and the few verbs used on them
  listener     who listens where
  kernel       settings of a sysctl.d file, set without a reboot
  strangers    units of ours that run without being described
  health       does this instance answer?
  roll         restart instance by instance, gate, observe
  deploy       move the apps of a host between releases, or leave them where they were
  note         what a run did here, for whoever may have to take it back
  confirmation undo a deploy that nobody confirms
  guard        take back a release that dies after its run has ended
  step         something that is done to the units of a host, told verb by verb
  handover     a port passes from one holder to another
  relay        an address that a port has left is answered until the proxies know
  converge     start, reload and remove until systemd agrees with the description
  retreat      back to the files of before, and to what ran by them
  status       one row for each instance
  prober       restart what hangs and cannot tell systemd so
  question     what a playbook asks of a host, whoever brings it there
  release      moves of apps between releases, step by step, as a playbook asks
  described    the files that are described, put on disk all or none
  edition      which text of this package somebody has
  asked        a playbook's questions, answered without Ansible's own library
  command      the same for a person on the host

`site.yml` installs this package under /usr/local/lib/genconf for `genconf-host`. A playbook asks what
lies there if it is what the playbook would bring; if not, Ansible sends this package along with the
task, so no task is done by an older one.
Python 3 standard library only: python3 is there because Ansible needs it.
"""
