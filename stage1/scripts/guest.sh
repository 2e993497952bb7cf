#!/bin/bash
# Copyright the rkt-swift authors
# SPDX-License-Identifier: Apache-2.0

# Makes the guest root: an EROFS image when OUTPUT ends in .erofs, else a directory.
#
# usage: guest.sh GUEST_DIR USERLAND RKT_GUEST OUTPUT
#
# USERLAND is what userland.sh printed, RKT_GUEST the static program that is
# PID 1's shim, agent and more. The result depends on their content and that of
# GUEST_DIR only: not on time, owner, file system or the order files were made.

. "$(dirname "$0")/common.sh"

readonly guest=$1 userland=$2 program=$3 output=$4

# Fixed, so that equal roots are equal images.
readonly IMAGE_UUID=6f2d8c1e-3b57-4a0c-9d64-72be15c0a8f3

need mkfs.erofs erofs-utils
need strip binutils
need readelf binutils

[ -f "$program" ] || die "$program not found, build the guest program first (swift build -c release)"
! readelf -lW "$program" | grep -q 'program interpreter' || die "$program is not statically linked"

mkdir -p "$(dirname "$output")"
work=$(mktemp -d "$output.XXXXXXXX")
trap 'rm -rf "$work"' EXIT
readonly root=$work/root

cp -a "$userland" "$root"
chmod 0755 "$root"
mkdir -p "$root/etc" "$root/usr/lib/systemd/system" "$root/usr/lib/rkt"
cp -r "$guest/etc/." "$root/etc"
cp "$guest"/units/* "$root/usr/lib/systemd/system"
strip -o "$root/usr/lib/rkt/rkt-guest" "$program"
chmod 0755 "$root/usr/lib/rkt/rkt-guest"

while read -r kind path target; do
    case $kind in
    dir) mkdir -p "$root$path" ;;
    link) mkdir -p "$root${path%/*}" && ln -s "$target" "$root$path" ;;
    *) die "skeleton.list: unknown kind '$kind'" ;;
    esac
done < <(entries "$guest/skeleton.list")

# What the checkout's or the packages' modes were does not matter.
find "$root" -type d -exec chmod 0755 {} +
find "$root" -type f -perm /111 -exec chmod 0755 {} +
find "$root" -type f ! -perm /111 -exec chmod 0644 {} +

if [[ $output != *.erofs ]]; then
    rm -rf "$output"
    mv -T "$root" "$output"
    exit
fi
mkfs.erofs --quiet -T "$BUILD_TIME" -U "$IMAGE_UUID" --all-root -x -1 ${EROFS_OPTIONS:-} "$work/image" "$root" >&2
mv "$work/image" "$output"
