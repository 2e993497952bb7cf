#!/bin/bash
# Copyright the rkt-swift authors
# SPDX-License-Identifier: Apache-2.0

# Installs the units, with what stands beside them in directories, and the examples.
#
# usage: install-units.sh PREFIX UNIT_DIRECTORY EXAMPLE_DIRECTORY
#
# PREFIX is where rkt will be: units start PREFIX/bin/rkt.

set -euo pipefail
export LC_ALL=C
readonly prefix=$1 units=$(realpath -m "$2") examples=$(realpath -m "$3")
cd "$(dirname "$0")/systemd"

# copy FROM TO: all files below a directory, but the examples.
copy() {
    local file
    (cd "$1" && find . -path ./examples -prune -o -type f -print) | while read -r file; do
        install -d "$2/$(dirname "$file")"
        sed "s|/usr/bin/rkt|$prefix/bin/rkt|g" "$1/$file" >"$2/$file"
        chmod 0644 "$2/$file"
    done
}

copy . "$units"
copy examples "$examples"
