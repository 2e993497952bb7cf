#!/bin/bash
# Copyright the rkt-swift authors
# SPDX-License-Identifier: Apache-2.0

# Packs what a host needs into one archive. The same inputs give the same bytes.
#
# usage: release.sh VERSION BUILD_DIR PROGRAM...
#
# Programs are those of BUILD_DIR/libexec/rkt.
#
# The archive is laid out as `make install` does it with PREFIX=/usr: it can be unpacked with
# `tar -x --strip-components=1 -C /usr`, or anywhere, as rkt also looks for its stage1 beside itself, and for its
# programs below its own prefix.

set -euo pipefail
export LC_ALL=C
umask 022

# Every file of the archive carries this time (2024-01-01 00:00:00 UTC).
readonly BUILD_TIME=1704067200
readonly version=$1 build=$2
readonly source=$(dirname "$(dirname "$(realpath "$0")")")
readonly name=rkt-$version-linux-amd64

[ -n "$version" ] || { echo "release: no version in Sources/Diagnostics/Version.swift" >&2; exit 1; }

work=$(mktemp -d "$build/.dist.XXXXXXXX")
trap 'rm -rf "$work"' EXIT
install -D -m 0755 "$build/rkt" "$work/$name/bin/rkt"
for program in "${@:3}"; do
    install -D -m 0755 "$build/libexec/rkt/$program" "$work/$name/libexec/rkt/$program"
done
install -D -m 0644 "$build/stage1-kvm.aci" "$work/$name/lib/rkt/stage1-images/stage1-kvm.aci"
install -D -m 0644 "$build/stage1-nspawn.aci" "$work/$name/lib/rkt/stage1-images/stage1-nspawn.aci"
install -D -m 0644 "$build/stage1-fly.aci" "$work/$name/lib/rkt/stage1-images/stage1-fly.aci"
install -D -m 0755 "$source/stage1/kernel-image.sh" "$work/$name/lib/rkt/kernel-image.sh"
install -d "$work/$name/lib/systemd/system"
install -m 0644 "$source"/dist/systemd/* "$work/$name/lib/systemd/system"
install -d "$work/$name/share/man/man1"
install -m 0644 "$build"/man/*.1 "$work/$name/share/man/man1"
install -D -m 0644 "$build/completion/rkt.bash" "$work/$name/share/bash-completion/completions/rkt"
install -D -m 0644 "$build/completion/rkt.zsh" "$work/$name/share/zsh/vendor-completions/_rkt"
install -D -m 0644 "$build/completion/rkt.fish" "$work/$name/share/fish/vendor_completions.d/rkt.fish"
for document in LICENSE README.md Documentation/{commands,kernels,building,troubleshooting,changelog}.md; do
    install -D -m 0644 "$source/$document" "$work/$name/share/doc/rkt/$document"
done
tar -c --format=ustar --sort=name --mtime="@$BUILD_TIME" --owner=0 --group=0 --numeric-owner -C "$work" "$name" |
    gzip -n9 >"$work/archive"
mv "$work/archive" "$build/$name.tar.gz"
(cd "$build" && sha256sum "$name.tar.gz" | tee "$name.tar.gz.sha256")
