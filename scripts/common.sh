# shellcheck shell=bash
# Functions shared by the scripts in this directory; sourced, not executed.
#
# Progress and errors go to stderr, so that stdout has only the result of a script.

# step TEXT: prints the step that starts, with the time since the script started.
step() { printf '==> %s (at %d:%02d)\n' "$*" $((SECONDS / 60)) $((SECONDS % 60)) >&2; }

# note TEXT: prints a detail of the current step.
note() { printf '    %s\n' "$*" >&2; }

# fail TEXT [NEXT...]: prints the error and the next steps, one per line, and exits with status 1.
fail() {
    printf '\nfailed: %s\n' "$1" >&2
    shift
    local line
    for line in "$@"; do printf '        %s\n' "$line" >&2; done
    exit 1
}

# as_root COMMAND...: runs a command as root, with sudo for other users.
as_root() {
    if [[ $EUID -eq 0 ]]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo -- "$@"
    else
        fail "this requires root: $*" "Become root, or install sudo, and run the same command again."
    fi
}

# wait_until SECONDS COMMAND...: retries the command; status 1 if it does not succeed in that time.
wait_until() {
    local deadline=$((SECONDS + $1))
    shift
    until "$@"; do
        [[ $SECONDS -lt $deadline ]] || return 1
        sleep 0.2
    done
}
