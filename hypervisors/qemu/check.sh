#!/bin/sh
# Copyright the rkt-swift authors
# SPDX-License-Identifier: Apache-2.0

# Prints which QEMU and virtiofsd a pod would use on this host, and whether with hardware virtualization.
# Fails when a program is missing or misses a device that pods need.

set -u
export LC_ALL=C
status=0

fail() {
    echo "hypervisors: $*" >&2
    status=1
}

# The package by the architecture of this machine, which is that of its pods.
case $(uname -m) in
aarch64) program=qemu-system-aarch64 package=qemu-system-arm ;;
*) program=qemu-system-x86_64 package=qemu-system-x86 ;;
esac
qemu=$(command -v "$program") || qemu=
if [ -n "$qemu" ]; then
    echo "$qemu: $("$qemu" --version | head -n 1)"
    devices=$("$qemu" -device help 2>&1)
    for device in vhost-user-fs-pci virtio-9p-pci virtio-blk-pci virtio-serial-pci virtio-rng-pci virtio-balloon-pci \
        pvpanic-pci; do
        case $devices in
        *"\"$device\""*) ;;
        *) fail "$qemu has no device $device" ;;
        esac
    done
else
    fail "$program is not in PATH; install the Debian package $package"
fi

virtiofsd=
for candidate in "$(command -v virtiofsd)" /usr/lib/qemu/virtiofsd /usr/libexec/virtiofsd /usr/libexec/qemu/virtiofsd; do
    [ -n "$virtiofsd" ] || [ ! -x "$candidate" ] || virtiofsd=$candidate
done
if [ -n "$virtiofsd" ]; then
    # The C implementation prints more than its version, the Rust one prints its name too.
    echo "$virtiofsd: $("$virtiofsd" --version 2>&1 | head -n 1)"
else
    fail "virtiofsd not found; install the Debian package qemu-system-common (virtiofsd from Debian 13 on)"
fi

# rkt decides in the same way: the device must open and the processor must say that it can.
if [ "$(uname -m)" = x86_64 ] && ! grep -qwE 'vmx|svm' /proc/cpuinfo; then
    echo "accelerator: tcg, the processor does not offer vmx or svm"
elif ! (: <>/dev/kvm) 2>/dev/null; then
    echo "accelerator: tcg, /dev/kvm cannot be opened"
else
    echo "accelerator: kvm"
fi
exit $status
