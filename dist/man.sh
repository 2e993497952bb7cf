#!/bin/bash
# Copyright the rkt-swift authors
# SPDX-License-Identifier: Apache-2.0

# Writes manual pages from the help texts of build/rkt: rkt.1, and one for each command.
#
# usage: man.sh [--check] DIRECTORY
#
# With --check the pages are checked by mandoc(1), and it is an error if it has anything to say of them. They have a
# version and no date, so that the same program gives the same pages.

set -euo pipefail
export LC_ALL=C
check=
if [ "${1:-}" = --check ]; then
    check=1
    shift
fi
[ $# -eq 1 ] || { echo "usage: man.sh [--check] DIRECTORY" >&2; exit 2; }
readonly directory=$1
rkt=$(realpath "${BUILD:-$(dirname "$0")/../build}")/rkt

version=$("$rkt" version | sed -n 's/^rkt Version: //p')
commands=$("$rkt" help | sed -n '/^COMMANDS:/,/^$/p' | sed -n 's/^  \([a-z][a-z -]*[a-z]\)\(  .*\)\{0,1\}$/\1/p')
[ "$(wc -l <<<"$commands")" -gt 10 ] || { echo "man: the help texts of $rkt cannot be read" >&2; exit 1; }

# page WORD...: the page of a command, or of rkt itself.
page() {
    local name
    name=$(tr ' ' - <<<"rkt${*:+ }$*")
    "$rkt" help "$@" | awk -v name="$name" -v version="$version" '
        function roff(text) {
            gsub(/\\/, "\\e", text)
            gsub(/-/, "\\-", text)
            gsub(/`[^`]*`/, "\\fB&\\fP", text)
            gsub(/`/, "", text)
            if (text ~ /^[.\047]/) text = "\\&" text
            return text
        }
        function begin(title) {
            print ".SH " title
            blank = 0
        }
        BEGIN { print ".TH " toupper(name) " 1 \"\" \"rkt " version "\" \"rkt\"" }
        /^[A-Z][A-Z ]*:$/ {
            if (section == "USAGE") print ".fi"
            section = substr($0, 1, length($0) - 1)
            if (section == "USAGE") { begin("SYNOPSIS"); print ".nf" }
            else if (section != "VERSION") begin(section)
            next
        }
        section == "VERSION" { next }
        /^ *$/ { blank = 1; next }
        section == "NAME" {
            text = $0
            sub(/^.* - /, "", text)
            sub(/\.$/, "", text)
            print roff(name) " \\- " roff(text)
            next
        }
        section == "USAGE" { print roff(substr($0, 3)); next }
        section == "DESCRIPTION" {
            if (blank) print ".PP"
            blank = 0
            print roff(substr($0, 3))
            next
        }
        # A name, and what it means in the same line or in those that follow.
        /^  [^ ]/ {
            text = substr($0, 3)
            name_end = match(text, /  +/)
            print ".TP"
            print ".B " roff(name_end ? substr(text, 1, name_end - 1) : text)
            if (name_end) print roff(substr(text, RSTART + RLENGTH))
            next
        }
        {
            sub(/^ */, "")
            print roff($0)
        }
        END { if (section == "USAGE") print ".fi" }'
    echo ".SH SEE ALSO"
    if [ $# -gt 0 ]; then
        echo ".BR rkt (1)"
    else
        tr ' ' - <<<"$commands" | sed -e 's/-/\\-/g' -e 's/^\(.*\)$/.BR rkt\\-\1 (1),/' -e '$s/,$//'
    fi
}

mkdir -p "$directory"
rm -f "$directory"/rkt*.1
page >"$directory/rkt.1"
while read -r command; do
    # A command of two words is two arguments.
    # shellcheck disable=SC2086
    page $command >"$directory/rkt-${command// /-}.1"
done <<<"$commands"
chmod 0644 "$directory"/rkt*.1

[ -n "$check" ] || exit 0
command -v mandoc >/dev/null || { echo "man: checking needs mandoc" >&2; exit 1; }
complaints=$(mandoc -T lint -W warning "$directory"/rkt*.1 | grep -v 'missing date' || true)
if [ -n "$complaints" ]; then
    echo "man: mandoc complains:" >&2
    echo "$complaints" >&2
    exit 1
fi
echo "man: $(ls "$directory" | wc -l) pages are in order"
