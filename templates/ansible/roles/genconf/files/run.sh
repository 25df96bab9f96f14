#!/bin/sh
# Prints this playbook run as JSON, for the deploy locks: who, on which machine, and the processes of all
# playbook runs there. A lock of a process that has exited is broken.
set -eu

# The boot and the process namespace: two containers can have the same host name and the same PIDs.
if [ -e /proc/sys/kernel/random/boot_id ] && [ -e /proc/self/ns/pid ]; then
    machine="$(cat /proc/sys/kernel/random/boot_id) $(stat -Lc %i /proc/self/ns/pid)"
else
    machine=$(uname -n)
fi

# This script runs in a process of one task, whose parent is the playbook run.
pid=$(ps -o ppid= -p "$PPID" | tr -d ' ')
living=$(pgrep -f 'ansible.*playbook' | tr '\n' ',' || true)

# Names of users and machines may contain any character.
escape() { printf '%s' "$1" | sed 's/[\\"]/\\&/g' | tr -d '[:cntrl:]'; }

printf '{"who": "%s", "machine": "%s", "pid": %s, "living": [%s%s]}\n' \
    "$(escape "$(id -un)@$(uname -n)")" "$(escape "$machine")" "$pid" "$living" "$pid"
