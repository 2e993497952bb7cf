#!/bin/bash
# Copyright the rkt-swift authors
# SPDX-License-Identifier: Apache-2.0

# Makes rkt's groups and directories, or gives those that exist the owners and modes that rkt itself gives new ones
# (as root). What is in the directories of images and pods stays as it is.
#
# usage: setup-data-dir.sh [DATA_DIRECTORY [CONFIGURATION_DIRECTORY]]

set -euo pipefail
export LC_ALL=C
readonly data=${1:-/var/lib/rkt} configuration=${2:-/etc/rkt}

[ "$(id -u)" = 0 ] || {
    echo "setup-data-dir: groups and directories are made by root" >&2
    exit 1
}

for group in rkt rkt-admin; do
    getent group "$group" >/dev/null || groupadd --system "$group"
done

# make MODE GROUP DIRECTORY...
make() {
    local mode=$1 group=$2
    shift 2
    mkdir -p "$@"
    chown "root:$group" "$@"
    chmod "$mode" "$@"
}

make 2750 rkt "$data"
make 2770 rkt "$data"/cas{,/blob,/blob/sha512,/db,/tmp}
make 2700 rkt "$data"/cas/{tree,locks}
make 2750 rkt "$data"/pods{,/embryo,/prepare,/prepared,/run,/exited-garbage,/garbage}
make 2775 rkt-admin "$configuration" "$configuration"/trustedkeys{,/prefix.d,/root.d}
make 2775 rkt-admin "$configuration"/{paths.d,stage1.d,net.d}
# Passwords are nobody else's business.
make 2770 rkt-admin "$configuration"/auth.d

if [ -e "$data/cas/db/images.sqlite" ]; then
    chown root:rkt "$data/cas/db/images.sqlite"
    chmod 0660 "$data/cas/db/images.sqlite"
fi
