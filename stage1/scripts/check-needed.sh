#!/bin/bash
# Copyright the rkt-swift authors
# SPDX-License-Identifier: Apache-2.0

# Checks that the libraries in a root are those that its programs need.
#
# usage: check-needed.sh ROOT
#
# Fails when an ELF file needs a library, a symbol version or a loader that is
# not there, and when a library is there that nothing needs.

. "$(dirname "$0")/common.sh"

readonly root=$1
readonly libraries=$root/usr/lib/x86_64-linux-gnu

need readelf binutils

failed=no
complain() {
    echo "check-needed: $*" >&2
    failed=yes
}

# Regular ELF files of the root, as paths inside it.
elf_files() {
    local file magic
    while read -r file; do
        IFS= read -r -d '' -n 4 magic <"$file" || true
        [ "$magic" != $'\x7fELF' ] || echo "${file#"$root"}"
    done < <(find "$root" -type f | sort)
}

# locate LIBRARY: its path below the root, by the directories that the loader
# searches for systemd's programs.
locate() {
    local directory
    for directory in "$libraries" "$libraries/systemd"; do
        [ ! -e "$directory/$1" ] || { echo "$directory/$1"; return; }
    done
}

declare -A used=()
while read -r file; do
    interpreter=$(readelf -lW "$root$file" | sed -n 's/.*program interpreter: \(.*\)\]/\1/p')
    if [ -n "$interpreter" ]; then
        loader=$root/usr$interpreter
        [ -e "$root/lib64" ] && [ -e "$loader" ] || complain "$file: loader $interpreter is missing"
    fi
    for library in $(readelf -dW "$root$file" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'); do
        path=$(locate "$library")
        if [ -z "$path" ]; then
            complain "$file needs $library, which is missing"
            continue
        fi
        used[$(realpath "$path")]=yes
        # Versions that this file wants of that library, and those it defines.
        wanted=$(readelf -VW "$root$file" | awk -v library="$library" '
            /Version needs section/ { inside = 1 }
            /Version definition section/ { inside = 0 }
            inside && /File: / { current = ($0 ~ "File: " library "( |$)") }
            inside && current && /Name: / { match($0, /Name: [^ ]+/); print substr($0, RSTART + 6, RLENGTH - 6) }')
        [ -n "$wanted" ] || continue
        defined=$(readelf -VW "$path" | awk '
            /Version definition section/ { inside = 1 }
            /Version needs section/ { inside = 0 }
            inside && /Name: / { match($0, /Name: [^ ]+/); print substr($0, RSTART + 6, RLENGTH - 6) }')
        for version in $wanted; do
            grep -qxF -- "$version" <<<"$defined" || complain "$file wants $version of $library, which lacks it"
        done
    done
done < <(elf_files)

while read -r file; do
    [[ ${file##*/} == ld-linux-* ]] && continue
    [ -n "${used[$(realpath "$file")]:-}" ] || complain "${file#"$root"} is needed by nothing"
done < <(find "$libraries" \( -type f -o -type l \) -name '*.so*')

[ $failed = no ]
