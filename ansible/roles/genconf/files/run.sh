#!/bin/sh
# Prints this playbook run as JSON, for the deploy locks: who, on which machine, and the processes of all
# playbook runs there. A lock of a process that has exited is broken. Ansible has to start it with `exec`, so
# that the parent of this process is that of the task.
set -eu

is_playbook() {
    case $1 in
        *ansible-playbook* | *ansible*playbook*) return 0 ;;
        *) return 1 ;;
    esac
}

if [ -r /proc/self/stat ]; then
    # The name of a process may contain spaces and parentheses; the parent is the second field after it.
    parent() { sed 's/.*) . \([0-9]*\) .*/\1/' "/proc/$1/stat"; }
    # The boot and the process namespace: two containers can have the same host name and the same PIDs.
    machine="$(cat /proc/sys/kernel/random/boot_id) $(stat -Lc %i /proc/self/ns/pid)"
    living() {
        for process in /proc/[0-9]*; do
            command=$(tr '\0' ' ' 2>/dev/null <"$process/cmdline") || continue
            ! is_playbook "$command" || printf '%s, ' "${process#/proc/}"
        done
    }
else
    parent() { ps -o ppid= -p "$1" | tr -d ' '; }
    machine=$(uname -n)
    living() {
        ps -A -o pid= -o command= | while read -r process command; do
            ! is_playbook "$command" || printf '%s, ' "$process"
        done
    }
fi

# The parent of this process executes one task; its parent is the playbook run.
pid=$(parent "$PPID")

# Names of users and machines may contain any character.
escape() { printf '%s' "$1" | sed 's/[\\"]/\\&/g' | tr -d '[:cntrl:]'; }

printf '{"who": "%s", "machine": "%s", "pid": %s, "living": [%s%s]}\n' \
    "$(escape "$(id -un)@$(uname -n)")" "$(escape "$machine")" "$pid" "$(living)" "$pid"
