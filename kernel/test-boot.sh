#!/bin/bash
# Copyright the rkt-swift authors
# SPDX-License-Identifier: Apache-2.0

# Boots the kernel in QEMU, without KVM, with one and two processors. Fails when
# something that guests rely on is missing or the machine does not power off.
#
# usage: test-boot.sh KERNEL_DIR

set -euo pipefail
export LC_ALL=C

die() {
    echo "${0##*/}: $*" >&2
    exit 1
}

# need TOOL PACKAGE: fails when TOOL is not installed.
need() {
    command -v "$1" >/dev/null || die "$1 not found, install the Debian package '$2'"
}

need gcc gcc
need mkfs.erofs erofs-utils
need qemu-system-x86_64 qemu-system-x86

readonly kernel=$1
[ -f "$kernel/vmlinux" ] || die "$kernel/vmlinux not found, run make first"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
readonly work

mkdir -p "$work/root/sbin" "$work"/root/{dev,mnt,proc,sys} "$work/share"
echo shared >"$work/share/file"
gcc -static -Os -Wall -o "$work/root/sbin/init" "$(dirname "$0")/test/init.c"
mkfs.erofs --quiet -zlz4 "$work/root.erofs" "$work/root" >/dev/null

# boot IMAGE PROCESSORS
boot() {
    timeout 120 qemu-system-x86_64 -machine q35,accel=tcg -cpu max -smp "$2" -m 512 \
        -nodefaults -no-user-config -display none -no-reboot -serial stdio \
        -kernel "$kernel/$1" \
        -append "console=ttyS0 quiet root=/dev/vda ro rootfstype=erofs panic=-1 no_timer_check -- $2" \
        -drive "file=$work/root.erofs,format=raw,if=none,id=root,readonly=on" -device virtio-blk-pci,drive=root \
        -device virtio-serial-pci \
        -chardev null,id=first -device virtserialport,chardev=first,name=first \
        -chardev null,id=second -device virtserialport,chardev=second,name=second \
        -device virtio-rng-pci -device pvpanic-pci \
        -device virtio-balloon-pci,free-page-reporting=on \
        -netdev user,id=net -device virtio-net-pci,netdev=net,romfile= \
        -fsdev "local,id=share,path=$work/share,security_model=none" \
        -device virtio-9p-pci,fsdev=share,mount_tag=share </dev/null
}

for image in vmlinux bzImage; do
    for processors in 1 2; do
        boot "$image" "$processors" >"$work/log" 2>&1 || { cat "$work/log"; die "$image did not power off"; }
        grep -q '^all found' "$work/log" || { cat "$work/log"; die "$image does not hold what guests need"; }
        echo "$image boots with $processors processors" | sed '/ 1 /s/s$//'
    done
done
