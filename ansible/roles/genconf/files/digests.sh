#!/bin/sh
# digests.sh NAME FILE [NAME FILE ...]: prints SHA-256 and size of each file as JSON, by name. The SHA-256 of a
# file that does not exist is empty.
set -eu

sha256() {
    if command -v sha256sum >/dev/null; then sha256sum <"$1"; else shasum -a 256 <"$1"; fi | cut -d ' ' -f 1
}

separator=
printf '{'
while [ $# -ge 2 ]; do
    digest='' bytes=0
    if [ -f "$2" ] && [ -r "$2" ]; then
        digest=$(sha256 "$2")
        bytes=$(wc -c <"$2" | tr -d ' ')
    fi
    printf '%s"%s": {"sha256": "%s", "bytes": %s}' "$separator" "$1" "$digest" "$bytes"
    separator=', '
    shift 2
done
printf '}\n'
