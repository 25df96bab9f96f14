#!/bin/sh
# Prints the architecture of this machine and, if it has one, the path of the genconf-host in PATH. Only an ELF
# file: in an earlier version of genconf, a script had this name.
set -eu

uname -m
IFS=:
for directory in $PATH; do
    file=$directory/genconf-host
    if head -c 4 "$file" 2>/dev/null | grep -q ELF; then
        printf '%s\n' "$file"
        break
    fi
done
