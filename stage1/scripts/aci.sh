#!/bin/bash
# Copyright the rkt-swift authors
# SPDX-License-Identifier: Apache-2.0

# Packs a stage1 image: an uncompressed, deterministic tar archive that holds
# `manifest` and `rootfs/`.
#
# usage: aci.sh MANIFEST_IN VERSION_SWIFT STAGE1_PROGRAM OUTPUT [NAME=SOURCE...]
#
# Each SOURCE, a file or a directory, becomes NAME in the image's root. GUEST_ARCH
# is the architecture of the programs and kernels, x86_64 or aarch64, and this
# machine's when it is unset.

. "$(dirname "$0")/common.sh"

readonly manifest=$1 version_source=$2 program=$3 output=$4
shift 4

need tar tar
need strip binutils
need readelf binutils

# What appc calls the architecture.
case ${GUEST_ARCH:-$(uname -m)} in
x86_64) readonly arch=amd64 ;;
aarch64) readonly arch=aarch64 ;;
*) die "there are no stage1 images for ${GUEST_ARCH:-$(uname -m)}, only for x86_64 and aarch64" ;;
esac
[ -f "$version_source" ] || die "$version_source not found, the image's version is read from it"
version=$(sed -n 's/^ *package static let current = "\([0-9A-Za-z.+-]*\)"$/\1/p' "$version_source")
[ -n "$version" ] || die "no line 'package static let current = \"X.Y.Z\"' in $version_source"
[ -f "$program" ] || die "$program not found, build the stage1 program first (swift build -c release)"
! readelf -lW "$program" | grep -q 'program interpreter' || die "$program is not statically linked"
for part in "$@"; do
    [ -e "${part#*=}" ] || die "${part#*=} not found, build it first (make kernel; make -C stage1)"
done

mkdir -p "$(dirname "$output")"
work=$(mktemp -d "$output.XXXXXXXX")
trap 'rm -rf "$work"' EXIT
readonly image=$work/image

mkdir -p "$image/rootfs/opt/stage2" "$image/rootfs/rkt/status" "$image/rootfs/rkt/env"
sed -e "s/@VERSION@/$version/" -e "s/@ARCH@/$arch/" "$manifest" >"$image/manifest"
strip -o "$image/rootfs/stage1" "$program"
for entrypoint in run enter attach gc stop preflight plan survey app-add app-start app-stop app-rm; do
    ln -s stage1 "$image/rootfs/$entrypoint"
done
for part in "$@"; do
    cp -a "${part#*=}" "$image/rootfs/${part%%=*}"
    [ -d "${part#*=}" ] || chmod 0644 "$image/rootfs/${part%%=*}"
done
chmod 0644 "$image/manifest"
chmod 0755 "$image/rootfs/stage1"
find "$image" -type d -exec chmod 0755 {} +

tar -c --format=ustar --sort=name --mtime="@$BUILD_TIME" --owner=0 --group=0 --numeric-owner \
    -C "$image" -f "$work/aci" manifest rootfs
mv "$work/aci" "$output"
