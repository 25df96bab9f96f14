# shellcheck shell=bash
# libvirt: who may use it, its daemons where no systemd starts them, and the VMs that Vagrant keeps;
# sourced by up and down.

libvirt=qemu:///system
state=$PWD/vagrant/.vagrant
# What is changed on this machine, so that it can be undone. All checkouts share it, since the last
# of their VMs is the last to need it; and a reboot undoes it by itself.
started=${XDG_STATE_HOME:-$HOME/.local/state}/genconf/started.$(</proc/sys/kernel/random/boot_id)

export VAGRANT_DEFAULT_PROVIDER=${VAGRANT_DEFAULT_PROVIDER:-libvirt}

# has_vms PROVIDER: whether Vagrant keeps the id of a VM of that provider, or of any by '*'.
has_vms() { compgen -G "$state/machines/*/$1/id" >/dev/null; }

# join_libvirt ARGUMENTS...: begins this script anew, with its arguments, as a user of libvirt.
#
# Whoever may use libvirt is root or in its group. A new membership counts from the next login on,
# and for what newgrp-like commands start: hence sg(1).
join_libvirt() {
    [[ $EUID -ne 0 ]] || return 0
    [[ " $(id -nG) " != *" libvirt "* ]] || return 0
    local user
    user=$(id -un)
    if [[ " $(id -nG "$user") " != *" libvirt "* ]]; then
        note "adding $user to the group libvirt, which may run VMs"
        as_root usermod --append --groups libvirt "$user"
    fi
    exec sg libvirt -c "$(printf '%q ' "$PWD/scripts/${0##*/}" "$@")"
}

# running DAEMON: its process. A dead one that nobody has reaped yet does not count.
running() { pgrep --exact --oldest --runstates DRS "$1"; }

in_libvirt() { virsh --connect "$libvirt" "$@"; }

libvirt_answers() { in_libvirt version >/dev/null 2>&1; }

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
        mkdir -p "${started%/*}"
        give_kvm_its_group
        local daemon
        for daemon in virtlogd libvirtd; do
            ! running "$daemon" >/dev/null || continue
            note "no systemd here: starting $daemon until make down"
            as_root "$daemon" --daemon
            wait_until 5 running "$daemon" >/dev/null || fail "$daemon does not stay up"
            printf 'daemon %s %s\n' "$(running "$daemon")" "$daemon" >>"$started"
        done
    fi
    wait_until 20 libvirt_answers || fail "libvirt does not answer" \
        "Its own words: virsh --connect $libvirt version"
}

# stop PID NAME: ends that process, unless its number is another program's by now.
stop() {
    [[ $(cat "/proc/$1/comm" 2>/dev/null) == "$2" ]] || return 0
    as_root kill "$1" 2>/dev/null || true
}

# Undoes what start_libvirt noted, unless somebody else's VM needs it: the last one does it then.
stop_libvirt() {
    [[ -e $started ]] || return 0
    if [[ -n $(in_libvirt list --name 2>/dev/null | tr -d '\n') ]]; then
        note "other VMs are running: libvirt's daemons stay"
        return 0
    fi
    local kind value of
    while read -r kind value of; do
        case $kind in
            daemon) stop "$value" "$of" ;;
            kvm) as_root chmod "$value" /dev/kvm && as_root chown "$of" /dev/kvm ;;
        esac
    done < <(tac "$started")
    # And what was noted before the last reboot.
    rm -f "${started%.*}".*
}
