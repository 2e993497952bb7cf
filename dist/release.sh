#!/bin/bash
# Copyright the rkt-swift authors
# SPDX-License-Identifier: Apache-2.0

# Makes what is given away: an archive for hosts, the package for Debian 12, and SHA256SUMS of both and of the stage1 images.
# The same inputs give the same bytes. dist/sign.sh signs them.
#
# usage: release.sh VERSION BUILD_DIR
#
# The archive is laid out as `make install` does it with PREFIX=/usr: it is unpacked with
# `tar -x --strip-components=1 -C /usr`. Elsewhere rkt finds its programs, which are below its own prefix, and is told where its
# stage1 image is.

set -euo pipefail
export LC_ALL=C
umask 022

# Every file of the archive carries this time (2024-01-01 00:00:00 UTC).
export BUILD_TIME=1704067200
readonly version=$1 build=$2
readonly source=$(dirname "$(dirname "$(realpath "$0")")")
readonly name=rkt-$version-linux-amd64

[ -n "$version" ] || { echo "release: no version in Sources/Diagnostics/Version.swift" >&2; exit 1; }

work=$(mktemp -d "$build/.dist.XXXXXXXX")
trap 'rm -rf "$work"' EXIT
make -s --no-print-directory -C "$source" install DESTDIR="$work" PREFIX="/$name" UNIT_PREFIX=/usr BUILD="$build"
tar -c --format=ustar --sort=name --mtime="@$BUILD_TIME" --owner=0 --group=0 --numeric-owner -C "$work" "$name" |
    gzip -n9 >"$work/archive"
mv "$work/archive" "$build/$name.tar.gz"
"$source/dist/deb.sh" "$version" "$build" "$build/rkt_${version}_amd64.deb"
cd "$build"
sha256sum "$name.tar.gz" "rkt_${version}_amd64.deb" stage1-{fly,kvm,nspawn}.aci | sort -k 2 >SHA256SUMS
cat SHA256SUMS
"$source/dist/sign.sh" "$build" SHA256SUMS "$name.tar.gz" "rkt_${version}_amd64.deb" stage1-{fly,kvm,nspawn}.aci
