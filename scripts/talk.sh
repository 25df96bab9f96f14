# shellcheck shell=bash
# How the scripts of this folder speak; sourced, never run.
#
# Talk goes to stderr, so that what a script answers can be read from stdout.

# step TEXT: what begins now, and how long after the script began.
step() { printf '==> %s (at %d:%02d)\n' "$*" $((SECONDS / 60)) $((SECONDS % 60)) >&2; }

# note TEXT: a detail of the current step.
note() { printf '    %s\n' "$*" >&2; }

# fail TEXT [NEXT...]: what went wrong and, line by line, what to do about it. Ends the script.
fail() {
    printf '\nfailed: %s\n' "$1" >&2
    shift
    local line
    for line in "$@"; do printf '        %s\n' "$line" >&2; done
    exit 1
}

# as_root COMMAND...: runs a command as root, by sudo where the caller is not.
as_root() {
    if [[ $EUID -eq 0 ]]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo -- "$@"
    else
        fail "this needs root: $*" "Become root, or install sudo, and run the same command again."
    fi
}

# wait_until SECONDS COMMAND...: whether the command succeeds within that time.
wait_until() {
    local deadline=$((SECONDS + $1))
    shift
    until "$@"; do
        [[ $SECONDS -lt $deadline ]] || return 1
        sleep 0.2
    done
}
