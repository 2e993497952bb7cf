# Copyright the rkt-swift authors
# SPDX-License-Identifier: Apache-2.0

# What the scripts that measure have in common: BUILD, the program rkt, and how they give up.

export LC_ALL=C
readonly BUILD=$(realpath "${BUILD:-$here/../build}")
readonly rkt=$BUILD/rkt

# die MESSAGE...: also shows the end of the log.
die() {
    echo "${0##*/}: $*" >&2
    [ ! -s "${log:-}" ] || tail -n 20 "$log" >&2
    exit 1
}

# need FILE...: root, a C compiler, and files of the build.
need() {
    local file
    [ "$(id -u)" -eq 0 ] || die "pods and trees are made as root; use 'sudo make bench'"
    command -v cc >/dev/null || die "cc not found, install the Debian package 'gcc'"
    for file; do
        [ -f "$file" ] || die "$file is missing; run 'make all images'"
    done
}
