# shellcheck shell=bash
# libvirt: group membership, its daemons on machines without systemd, and the VMs of Vagrant; sourced by
# up and down.

libvirt=qemu:///system
state=$PWD/vagrant/.vagrant
# Records the changes to this machine for stop_libvirt. Shared by all checkouts, because the VMs of any of
# them may need libvirt. A reboot reverts the changes.
started=${XDG_STATE_HOME:-$HOME/.local/state}/genconf/started.$(</proc/sys/kernel/random/boot_id)

export VAGRANT_DEFAULT_PROVIDER=${VAGRANT_DEFAULT_PROVIDER:-libvirt}

# has_vms PROVIDER: whether Vagrant has the id of a VM of this provider ('*': any provider).
has_vms() { compgen -G "$state/machines/*/$1/id" >/dev/null; }

# join_libvirt ARGUMENTS...: restarts this script with its arguments in the libvirt group.
#
# libvirt requires root or membership in its group. A new membership takes effect at the next login or
# with sg(1).
join_libvirt() {
    [[ $EUID -ne 0 ]] || return 0
    [[ " $(id -nG) " != *" libvirt "* ]] || return 0
    local user
    user=$(id -un)
    if [[ " $(id -nG "$user") " != *" libvirt "* ]]; then
        note "adding $user to the group libvirt, which can run VMs"
        as_root usermod --append --groups libvirt "$user"
    fi
    exec sg libvirt -c "$(printf '%q ' "$PWD/scripts/${0##*/}" "$@")"
}

# running DAEMON: prints its PID; zombie processes are excluded.
running() { pgrep --exact --oldest --runstates DRS "$1"; }

in_libvirt() { virsh --connect "$libvirt" "$@"; }

is_libvirt_ready() { in_libvirt version >/dev/null 2>&1; }

# Without udev only root can access /dev/kvm. For each request libvirt then drops its cache of QEMU's
# capabilities and queries QEMU again, which takes 4 s each time and minutes per VM. Sets the owner that
# Debian's udev rule sets.
set_kvm_group() {
    [[ -c /dev/kvm && $(stat -c %G /dev/kvm) != kvm ]] || return 0
    printf 'kvm %s\n' "$(stat -c '%a %U:%G' /dev/kvm)" >>"$started"
    as_root chgrp kvm /dev/kvm
    as_root chmod 660 /dev/kvm
}

start_libvirt() {
    if [[ -d /run/systemd/system ]]; then
        is_libvirt_ready || as_root systemctl start virtlogd.socket libvirtd.service
    else
        mkdir -p "${started%/*}"
        set_kvm_group
        local daemon
        for daemon in virtlogd libvirtd; do
            ! running "$daemon" >/dev/null || continue
            note "no systemd on this machine: starting $daemon until make down"
            as_root "$daemon" --daemon
            wait_until 5 running "$daemon" >/dev/null || fail "$daemon exited"
            printf 'daemon %s %s\n' "$(running "$daemon")" "$daemon" >>"$started"
        done
    fi
    wait_until 20 is_libvirt_ready || fail "libvirt did not respond within 20 s" \
        "Show the error: virsh --connect $libvirt version"
}

# stop PID NAME: stops the process, unless the PID now belongs to another program.
stop() {
    [[ $(cat "/proc/$1/comm" 2>/dev/null) == "$2" ]] || return 0
    as_root kill "$1" 2>/dev/null || true
}

# Reverts the changes that start_libvirt recorded, unless VMs of another checkout are running.
stop_libvirt() {
    [[ -e $started ]] || return 0
    if [[ -n $(in_libvirt list --name 2>/dev/null | tr -d '\n') ]]; then
        note "other VMs are running: keeping the libvirt daemons"
        return 0
    fi
    local kind value of
    while read -r kind value of; do
        case $kind in
            daemon) stop "$value" "$of" ;;
            kvm) as_root chmod "$value" /dev/kvm && as_root chown "$of" /dev/kvm ;;
        esac
    done < <(tac "$started")
    # Also removes records from before the last reboot.
    rm -f "${started%.*}".*
}
