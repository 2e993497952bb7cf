#!/bin/bash
# Copyright the rkt-swift authors
# SPDX-License-Identifier: Apache-2.0

# Packs the stage1 image: an uncompressed, deterministic tar archive that holds
# `manifest` and `rootfs/`.
#
# usage: aci.sh MANIFEST_IN VERSION_SWIFT STAGE1_PROGRAM KERNEL GUEST_ROOT OUTPUT

. "$(dirname "$0")/common.sh"

readonly manifest=$1 version_source=$2 program=$3 kernel=$4 guest=$5 output=$6

need tar tar
need strip binutils
need readelf binutils

[ -f "$version_source" ] || die "$version_source not found, the image's version is read from it"
version=$(sed -n 's/^ *package static let current = "\([0-9A-Za-z.+-]*\)"$/\1/p' "$version_source")
[ -n "$version" ] || die "no line 'package static let current = \"X.Y.Z\"' in $version_source"
[ -f "$program" ] || die "$program not found, build the stage1 program first (swift build -c release)"
! readelf -lW "$program" | grep -q 'program interpreter' || die "$program is not statically linked"
[ -f "$kernel" ] || die "$kernel not found, build the kernel first (make -C kernel)"
[ -f "$guest" ] || die "$guest not found"

mkdir -p "$(dirname "$output")"
work=$(mktemp -d "$output.XXXXXXXX")
trap 'rm -rf "$work"' EXIT
readonly image=$work/image

mkdir -p "$image/rootfs/opt/stage2" "$image/rootfs/rkt/status" "$image/rootfs/rkt/env"
sed "s/@VERSION@/$version/" "$manifest" >"$image/manifest"
strip -o "$image/rootfs/stage1" "$program"
for entrypoint in run enter gc stop preflight plan; do
    ln -s stage1 "$image/rootfs/$entrypoint"
done
cp "$kernel" "$image/rootfs/vmlinux"
cp "$guest" "$image/rootfs/guest.erofs"
chmod 0644 "$image/manifest" "$image/rootfs/vmlinux" "$image/rootfs/guest.erofs"
chmod 0755 "$image/rootfs/stage1"
find "$image" -type d -exec chmod 0755 {} +

tar -c --format=ustar --sort=name --mtime="@$BUILD_TIME" --owner=0 --group=0 --numeric-owner \
    -C "$image" -f "$work/aci" manifest rootfs
mv "$work/aci" "$output"
