# Copyright the rkt-swift authors
# SPDX-License-Identifier: Apache-2.0

# Sourced by the other scripts of this directory.

set -euo pipefail
export LC_ALL=C
umask 022

# Every file in what is built here carries this time (2024-01-01 00:00:00 UTC),
# so that the same inputs give the same bytes.
readonly BUILD_TIME=1704067200

die() {
    echo "${0##*/}: $*" >&2
    exit 1
}

# need TOOL PACKAGE: fails when TOOL is not installed.
need() {
    command -v "$1" >/dev/null || die "$1 not found, install the Debian package '$2'"
}

# entries FILE: the lines of a list without comments and blank lines.
entries() {
    sed -e 's/[[:space:]]*#.*//' -e '/^[[:space:]]*$/d' "$1"
}
