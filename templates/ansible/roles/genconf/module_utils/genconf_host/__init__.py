"""Host agent of genconf, as a package.

Modules:

  description  desired state of a host, from the inventory
  acceptance   check of a configuration with its engine
  files        files on disk: atomic writes, diffs, removal of files that genconf wrote
  former       previous files, kept until a run has replaced them
  store        releases of one app, and the link that selects one
  lease        deploy lock of this host
  systemd      state and control of units
  listener     listening sockets and their processes
  kernel       settings of a sysctl.d file, applied without a reboot
  strangers    unmanaged units of this project
  health       health check of an instance
  roll         restart of instances one at a time: check, observe
  deploy       switch of apps between releases
  note         changes of a run on this host, for a rollback
  confirmation rollback of a deploy that is not confirmed
  guard        rollback of a release that crashes after its deploy
  step         change of the units of a host, and its report
  handover     move of a port from one unit to another
  relay        temporary port forwarder until the proxies are updated
  converge     start, reload, and removal of units
  retreat      restore of the previous files and instances
  status       one row for each instance
  binary       installation of the program of the monitor
  question     commands that a playbook runs on a host
  process      umask and locale of this process
  release      switch between releases, in the steps of a playbook
  described    installation of the files of the desired state, all or none
  edition      digest of this package
  asked        commands of a playbook, without Ansible's library
  watch        deploy of a file in a watched directory
  container    containers of Podman and Docker
  archive      unpacking of artifacts that are archives
  command      commands for operators on the host

`site.yml` installs this package in /usr/local/lib/genconf for `genconf-host`. A playbook uses the
installed package if it is identical to the package of the playbook. Otherwise Ansible uploads this
package with the task, so that no task runs an older version.
Python 3 standard library only: python3 is installed because Ansible needs it.
"""
