# shellcheck shell=bash
# libvirt's daemons, where no systemd starts them; sourced by up and down.
#
# What is changed on this machine is noted in $started, so that it can be undone.

libvirt=qemu:///system
started=${started:?the file that keeps what was started}

# running DAEMON: its process. A dead one that nobody has reaped yet does not count.
running() { pgrep --exact --oldest --runstates DRS "$1"; }

libvirt_answers() { virsh --connect "$libvirt" version >/dev/null 2>&1; }

# Without udev /dev/kvm belongs to root alone. libvirt then finds at each question that KVM, which
# QEMU sees, is out of its reach, throws away what it knows of QEMU and asks anew: four seconds each
# time, minutes for one VM. This is the owner that Debian's udev rule gives.
give_kvm_its_group() {
    [[ -c /dev/kvm && $(stat -c %G /dev/kvm) != kvm ]] || return 0
    printf 'kvm %s\n' "$(stat -c '%a %U:%G' /dev/kvm)" >>"$started"
    as_root chgrp kvm /dev/kvm
    as_root chmod 660 /dev/kvm
}

start_libvirt() {
    if [[ -d /run/systemd/system ]]; then
        libvirt_answers || as_root systemctl start virtlogd.socket libvirtd.service
    else
        give_kvm_its_group
        local daemon
        for daemon in virtlogd libvirtd; do
            ! running "$daemon" >/dev/null || continue
            note "no systemd here: starting $daemon until make down"
            as_root "$daemon" --daemon
            wait_until 5 running "$daemon" >/dev/null || fail "$daemon does not stay up"
            printf 'daemon %s\n' "$(running "$daemon")" >>"$started"
        done
    fi
    wait_until 20 libvirt_answers || fail "libvirt does not answer" \
        "Its own words: virsh --connect $libvirt version"
}

# Undoes what start_libvirt noted, unless somebody else's VM needs it.
stop_libvirt() {
    [[ -e $started ]] || return 0
    if [[ -n $(virsh --connect "$libvirt" list --name 2>/dev/null | tr -d '\n') ]]; then
        note "other VMs are running: libvirt's daemons stay"
        return 0
    fi
    local kind value owner
    while read -r kind value owner; do
        case $kind in
            daemon) as_root kill "$value" 2>/dev/null || true ;;
            kvm) as_root chmod "$value" /dev/kvm && as_root chown "$owner" /dev/kvm ;;
        esac
    done < <(tac "$started")
    rm -f "$started"
}
