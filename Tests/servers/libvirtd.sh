#!/bin/bash
# Copyright the rkt-swift authors
# SPDX-License-Identifier: Apache-2.0

# Runs a command beside a virtlogd and a libvirtd of its own, which end with it (as root).
#
# usage: libvirtd.sh COMMAND...
#
# Both and the command are in a mount namespace where the directories of libvirt are empty: they see no servers, machines or
# networks that the host may have, and leave no files. The exit status is the command's, or 1 when there is no libvirtd.

set -uo pipefail
readonly connection=qemu:///system
readonly directories=(/run/libvirt /var/lib/libvirt /var/log/libvirt /var/cache/libvirt /etc/libvirt)
PATH=$PATH:/usr/sbin:/sbin

fail() {
    echo "libvirtd: $*" >&2
    exit 1
}

# devices: /dev without a /dev/kvm that cannot be used, which libvirt tries again and again.
devices() {
    grep -qwE 'vmx|svm' /proc/cpuinfo && return
    local place=/run/libvirt/dev
    mkdir -p "$place"
    mount -t tmpfs -o mode=0755 none "$place"
    mkdir "$place"/{pts,shm,net}
    cp -a /dev/{null,zero,full,random,urandom,tty} "$place"
    [ ! -e /dev/net/tun ] || cp -a /dev/net/tun "$place/net"
    mount --bind /dev/pts "$place/pts"
    ln -s pts/ptmx "$place/ptmx"
    mount -t tmpfs none "$place/shm"
    umount -R -l /dev || true
    mount --move "$place" /dev
}

# inside COMMAND...: in the namespace.
inside() {
    local directory server deadline status
    for directory in "${directories[@]}"; do mount -t tmpfs -o mode=0755 none "$directory" || exit 1; done
    echo 'cgroup_controllers = []' >/etc/libvirt/qemu.conf
    printf 'auth_unix_%s = "none"\n' rw ro >/etc/libvirt/libvirtd.conf
    trap finish EXIT
    trap 'exit 143' TERM INT HUP
    for server in virtlogd libvirtd; do
        setpriv --pdeathsig KILL unshare --mount --propagation=private "$0" --server "$server" \
            >"/var/log/libvirt/$server.output" 2>&1 </dev/null &
        servers="$! $servers"
    done
    deadline=$((SECONDS + 60))
    until virsh -c "$connection" version >/dev/null 2>&1; do
        if [ $SECONDS -ge $deadline ] || ! kill -0 $servers 2>/dev/null; then
            tail -n 20 /var/log/libvirt/*.output >&2
            fail "there is no answer at $connection; see above what the servers say"
        fi
        sleep 0.1
    done
    "$@"
    status=$?
    exit $status
}

# Ends machines that were left, libvirtd and then virtlogd.
servers=
finish() {
    local machine server deadline
    for machine in $(timeout 20 virsh -c "$connection" list --name 2>/dev/null); do
        timeout 20 virsh -c "$connection" destroy "$machine" >/dev/null 2>&1
    done
    for server in $servers; do
        kill "$server" 2>/dev/null
        deadline=$((SECONDS + 10))
        while kill -0 "$server" 2>/dev/null && [ $SECONDS -lt $deadline ]; do sleep 0.1; done
        kill -KILL "$server" 2>/dev/null
    done
}

[ $# -gt 0 ] || { echo "usage: ${0##*/} COMMAND..." >&2; exit 2; }
case $1 in
--inside) shift && inside "$@" ;;
--server) devices && exec "$2" --pid-file "/run/libvirt/$2.pid" ;;
esac
for program in virtlogd libvirtd virsh; do
    command -v $program >/dev/null ||
        fail "there is no $program; install the Debian packages libvirt-daemon-system and libvirt-clients"
done
made=()
for directory in "${directories[@]}"; do
    [ -d "$directory" ] || { mkdir -p "$directory" && made=("$directory" "${made[@]}"); }
done
unshare --mount --propagation=private "$0" --inside "$@"
status=$?
[ ${#made[@]} -eq 0 ] || rmdir "${made[@]}"
exit $status
