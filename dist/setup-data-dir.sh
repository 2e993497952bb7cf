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
# The two themselves may be links, as their parents are root's.
data=$(realpath -m -- "${1:-/var/lib/rkt}")
configuration=$(realpath -m -- "${2:-/etc/rkt}")
readonly data configuration

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

# own PATH MODE USER GROUP: of what is there and was reached without a link. Members of the groups may write in some of the
# directories, and must not lead root to files of others: what is changed is what was looked at.
own() {
    local opened
    [ -f "$1" ] || [ -d "$1" ] || fail "$1 is neither a file nor a directory; remove it"
    exec {opened}<"$1"
    [ "$(readlink "/proc/self/fd/$opened")" = "$1" ] || fail "$1 is not reached without a symbolic link; remove that"
    [ -d "/proc/self/fd/$opened" ] || [ "$(stat -L -c %h "/proc/self/fd/$opened")" = 1 ] ||
        fail "$1 has another name, too; put a copy in its place"
    chown "$3:$4" "/proc/self/fd/$opened"
    chmod "$2" "/proc/self/fd/$opened"
    exec {opened}<&-
}

while read -r type path mode user group _; do
    case $path in
    /var/lib/rkt*) path=$data${path#/var/lib/rkt} ;;
    /etc/rkt*) path=$configuration${path#/etc/rkt} ;;
    esac
    case $type in
    '' | '#'*) continue ;;
    d) mkdir -p "$path" ;;
    z) [ -e "$path" ] || [ -L "$path" ] || continue ;;
    *) fail "$lists/tmpfiles.d/rkt.conf has a line of type $type, which is unknown here" ;;
    esac
    own "$path" "$mode" "$user" "$group"
done <"$lists/tmpfiles.d/rkt.conf"
