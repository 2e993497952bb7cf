#!/bin/bash
# Copyright the rkt-swift authors
# SPDX-License-Identifier: Apache-2.0

# Checks the recipes without booting anything.
#
# usage: test.sh USERLAND
#
# Static stand-ins take the place of the Swift programs and the kernel.

. "$(dirname "$0")/common.sh"

readonly userland=$1
readonly here=$(dirname "$(realpath "$0")")
readonly stage1=$(dirname "$here")

need cc gcc
need fsck.erofs erofs-utils
need python3 python3

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

passed=0 failed=0
# check WHAT COMMAND...: counts the command's success under a name.
check() {
    if "${@:2}" >"$work/log" 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED: $1" >&2
        sed 's/^/    /' "$work/log" >&2
    fi
}
refuses() {
    ! "$@"
}

echo 'int main(void) { return 0; }' >"$work/stub.c"
cc -static -o "$work/static" "$work/stub.c"
cc -o "$work/dynamic" "$work/stub.c"
echo kernel >"$work/vmlinux"

# A second userland with the same content, but other times and modes and its
# files created in the opposite order, on another file system where there is one.
other=$work
[ ! -w /dev/shm ] || other=$(mktemp -d /dev/shm/stage1-test.XXXXXXXX)
trap 'rm -rf "$work" "$other"' EXIT
mkdir -p "$other/userland"
(cd "$userland" && find . -type d | sort -r | (cd "$other/userland" && xargs mkdir -p))
(cd "$userland" && find . ! -type d | sort -r >"$work/list")
tar -c -C "$userland" --no-recursion -T "$work/list" | tar -x -m -C "$other/userland"
cp -r "$stage1/guest" "$other/guest"
find "$other/guest" "$other/userland" -type f ! -perm /111 -exec chmod 0600 {} +

check "guest root is made" "$here/guest.sh" "$stage1/guest" "$userland" "$work/static" "$work/one.erofs"
check "guest root is made again" "$here/guest.sh" "$other/guest" "$other/userland" "$work/static" "$other/two.erofs"
check "both guest roots are the same" cmp "$work/one.erofs" "$other/two.erofs"
check "guest root is sound" fsck.erofs "$work/one.erofs"
check "libraries are complete" "$here/check-needed.sh" "$userland"

cp -a "$userland" "$work/lacking"
rm "$work"/lacking/usr/lib/x86_64-linux-gnu/libzstd.so.1
check "a missing library is found" refuses "$here/check-needed.sh" "$work/lacking"
cp -a "$userland" "$work/excess"
cp "$work/excess/usr/lib/x86_64-linux-gnu/libm.so.6" "$work/excess/usr/lib/x86_64-linux-gnu/libexcess.so.1"
check "an unused library is found" refuses "$here/check-needed.sh" "$work/excess"

pack() {
    "$here/aci.sh" "$stage1/kvm/manifest.in" "$work/Version.swift" "$1" "$2" \
        vmlinux="$work/vmlinux" guest.erofs="$work/one.erofs"
}
echo '    package static let current = "1.2.3"' >"$work/Version.swift"
check "image is packed" pack "$work/static" "$work/one.aci"
touch "$work/static" "$work/vmlinux"
check "image is packed again" pack "$work/static" "$work/two.aci"
check "both images are the same" cmp "$work/one.aci" "$work/two.aci"
tar -tf "$work/one.aci" >"$work/names"
cat >"$work/expected" <<'NAMES'
manifest
rootfs/
rootfs/enter
rootfs/gc
rootfs/guest.erofs
rootfs/opt/
rootfs/opt/stage2/
rootfs/plan
rootfs/preflight
rootfs/rkt/
rootfs/rkt/env/
rootfs/rkt/status/
rootfs/run
rootfs/stage1
rootfs/stop
rootfs/vmlinux
NAMES
check "image holds what it should" diff "$work/expected" "$work/names"
tar -xOf "$work/one.aci" manifest >"$work/manifest"
check "manifest is valid and has the version" python3 -c '
import json, sys
manifest = json.load(open(sys.argv[1]))
assert {"name": "version", "value": "1.2.3"} in manifest["labels"]' "$work/manifest"
check "a dynamic guest program is refused" \
    refuses "$here/guest.sh" "$stage1/guest" "$userland" "$work/dynamic" "$work/no.erofs"
check "a dynamic stage1 program is refused" refuses pack "$work/dynamic" "$work/no.aci"
echo >"$work/Version.swift"
check "a missing version is refused" refuses pack "$work/static" "$work/no.aci"

echo "$passed passed, $failed failed"
[ $failed = 0 ]
