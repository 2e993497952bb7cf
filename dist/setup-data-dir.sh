#!/bin/bash
# Copyright the rkt-swift authors
# SPDX-License-Identifier: Apache-2.0

# Makes rkt's groups and directories, or gives those that exist the owners and modes that rkt itself gives new ones
# (as root). What is in the directories of images and pods stays as it is.
#
# usage: setup-data-dir.sh [DATA_DIRECTORY [CONFIGURATION_DIRECTORY]]
#
# This is for hosts without systemd, and for other directories than the usual ones. Where systemd is, `systemd-sysusers rkt.conf`
# and `systemd-tmpfiles --create rkt.conf` do the same from the same two files.

set -euo pipefail
export LC_ALL=C
readonly data=${1:-/var/lib/rkt} configuration=${2:-/etc/rkt}

fail() {
    echo "setup-data-dir: $*" >&2
    exit 1
}

[ "$(id -u)" = 0 ] || fail "groups and directories are made by root"

# The files are beside this script in its source, and in the directory above it where it is installed.
lists=$(dirname "$(realpath "$0")")
[ -d "$lists/tmpfiles.d" ] || lists=$(dirname "$lists")
for kind in sysusers tmpfiles; do
    [ -r "$lists/$kind.d/rkt.conf" ] || fail "there is no $lists/$kind.d/rkt.conf, which belongs to this script; install rkt anew"
done

while read -r type name _; do
    [ "$type" = g ] || continue
    getent group "$name" >/dev/null || groupadd --system "$name"
done <"$lists/sysusers.d/rkt.conf"

while read -r type path mode user group _; do
    case $path in
    /var/lib/rkt*) path=$data${path#/var/lib/rkt} ;;
    /etc/rkt*) path=$configuration${path#/etc/rkt} ;;
    esac
    case $type in
    '' | '#'*) continue ;;
    d) mkdir -p "$path" ;;
    z) [ -e "$path" ] || continue ;;
    *) fail "$lists/tmpfiles.d/rkt.conf has a line of type $type, which is unknown here" ;;
    esac
    chown "$user:$group" "$path"
    chmod "$mode" "$path"
done <"$lists/tmpfiles.d/rkt.conf"
