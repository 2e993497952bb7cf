#!/bin/bash
# Copyright the rkt-swift authors
# SPDX-License-Identifier: Apache-2.0

# Writes Documentation/commands.md from the help texts of build/rkt, and checks the links between documents.
#
# usage: docs.sh [--check]
#
# With --check nothing is written; it is an error if commands.md is not what would be written.

set -euo pipefail
export LC_ALL=C
cd "$(dirname "$0")/.."
readonly rkt=$(realpath "${BUILD:-build}")/rkt commands=Documentation/commands.md

status=0
fail() {
    echo "docs: $*" >&2
    status=1
}

# section WORD...: heading and help of a command. Flags that all commands have are shown once, with rkt itself.
section() {
    echo
    echo "## rkt${*:+ $*}"
    echo
    echo '```text'
    if [ $# -gt 0 ]; then
        "$rkt" help "$@" | sed '/^GLOBAL OPTIONS:/,$d' | sed -e :a -e '/^\n*$/{$d;N;ba' -e '}'
    else
        "$rkt" help
    fi
    echo '```'
}

write() {
    cat <<'END'
<!-- Copyright the rkt-swift authors -->
<!-- SPDX-License-Identifier: Apache-2.0 -->
<!-- Written by `make docs` from the help texts; change those. -->

# Commands

Results go to standard output, everything else to standard error. Exit statuses are listed in the
[README](../README.md#exit-statuses).
END
    section
    "$rkt" help | sed -n '/^COMMANDS:/,/^$/p' | sed -n 's/^  \([a-z][a-z -]*[a-z]\)\(  .*\)\{0,1\}$/\1/p' |
        while read -r words; do
            section $words
        done
}

new=$(mktemp)
trap 'rm -f "$new"' EXIT
write >"$new"
[ "$(grep -c '^## ' "$new")" -gt 5 ] || { echo "docs: the help texts of $rkt cannot be read" >&2; exit 1; }
if [ "${1:-}" != --check ]; then
    cmp -s "$new" "$commands" || cp "$new" "$commands"
    chmod 0644 "$commands"
elif ! cmp -s "$new" "$commands"; then
    diff -u "$commands" "$new" >&2 || true
    fail "$commands is not what the help texts say; run 'make docs'"
fi

# anchors FILE: how a heading is named in a link.
anchors() {
    sed -n 's/^#\{1,6\} *//p' "$1" | tr '[:upper:]' '[:lower:]' | sed -e 's/[^a-z0-9 _-]//g' -e 's/ /-/g'
}

while read -r document; do
    while read -r link; do
        case $link in
        http:* | https:* | mailto:*) continue ;;
        esac
        file=${link%%#*}
        target=$document
        [ -z "$file" ] || target=$(dirname "$document")/$file
        if [ ! -e "$target" ]; then
            fail "$document: there is no $link"
        elif [[ $link == *#* ]] && ! anchors "$target" | grep -qxF "${link#*#}"; then
            fail "$document: $target has no heading for #${link#*#}"
        fi
    done < <(sed '/^```/,/^```/d' "$document" | grep -oE '\]\([^)]+\)' | sed -e 's/^](//' -e 's/)$//')
done < <(find . -name '*.md' -not -path './.build*' -not -path './build/*' | sort)
[ $status -ne 0 ] || echo "docs: all links lead somewhere"
exit $status
