#!/bin/bash
# Copyright the rkt-swift authors
# SPDX-License-Identifier: Apache-2.0

# Gets a kernel of the distribution with its modules, without installing it.
#
# usage: kernel.sh PACKAGE OUTPUT CACHE_DIR
#
# PACKAGE is one that depends on the newest kernel of a flavour, such as linux-image-amd64. OUTPUT becomes a directory as
# the package's files lie below /: boot/vmlinuz-RELEASE, boot/config-RELEASE, lib/modules/RELEASE. Packages are kept in
# CACHE_DIR.

set -euo pipefail
export LC_ALL=C
umask 022

readonly package=$1 output=$(realpath -m "$2") cache=$(realpath -m "$3")

die() {
    echo "${0##*/}: $*" >&2
    exit 1
}

command -v apt-get >/dev/null || die "apt-get not found, install the Debian package 'apt'"
command -v dpkg-deb >/dev/null || die "dpkg-deb not found, install the Debian package 'dpkg'"

kernel=$(apt-cache show --no-all-versions "$package" |
    sed -n 's/^Depends: *\(linux-image-[^ ,]*\).*/\1/p') || true
[ -n "$kernel" ] || die "apt does not know which kernel $package is, run 'apt-get update' first"
# `apt-get download --print-uris` writes: 'URI' FILE SIZE ALGORITHM:DIGEST
read -r _ file _ digest < <(apt-get download --print-uris -qq "$kernel") || true
[ -n "${digest:-}" ] || die "apt cannot resolve $kernel, run 'apt-get update' first"

# The name and the digest say what the directory was made of.
readonly origin="$file $digest"
[ "$(cat "$output/origin" 2>/dev/null)" != "$origin" ] || exit 0

mkdir -p "$cache" "$(dirname "$output")"
work=$(mktemp -d "$output.XXXXXXXX")
trap 'rm -rf "$work"' EXIT
if [ ! -f "$cache/$file" ]; then
    echo "images: downloading $kernel" >&2
    # Without this option apt warns that its unprivileged user cannot write here.
    (cd "$work" && apt-get download -qq -o APT::Sandbox::User=root "$kernel") ||
        die "download failed, if the package lists are old run 'apt-get update'"
    mv "$work/$file" "$cache/$file"
fi
mkdir "$work/root"
# Most of it is for hardware that no virtual machine has.
dpkg-deb --fsys-tarfile "$cache/$file" |
    tar -x --no-same-owner -C "$work/root" --wildcards --exclude='*/kernel/sound/*' \
        --exclude='*/kernel/drivers/'{gpu,media,staging,usb,iio,infiniband,net/wireless,net/ethernet}'/*' ./boot ./lib
echo "$origin" >"$work/root/origin"
rm -rf "$output"
mv "$work/root" "$output"
