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
need cpio cpio
need zstd zstd

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
echo compressed >"$work/bzImage"

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
    GUEST_ARCH=x86_64 "$here/aci.sh" "$stage1/kvm/manifest.in" "$work/Version.swift" "$1" "$2" \
        vmlinux="$work/vmlinux" vmlinuz="$work/bzImage" guest.erofs="$work/one.erofs"
}
echo '    package static let current = "1.2.3"' >"$work/Version.swift"
# arm FLAVOUR
arm() {
    GUEST_ARCH=aarch64 "$here/aci.sh" "$stage1/$1/manifest.in" "$work/Version.swift" "$work/static" "$work/arm.aci" \
        Image="$work/vmlinux" && tar -tf "$work/arm.aci" >"$work/names" && grep -qx rootfs/Image "$work/names" &&
        tar -xOf "$work/arm.aci" manifest | grep '"arch", "value": "aarch64"'
}
check "image is packed" pack "$work/static" "$work/one.aci"
touch "$work/static" "$work/vmlinux" "$work/bzImage"
check "image is packed again" pack "$work/static" "$work/two.aci"
check "both images are the same" cmp "$work/one.aci" "$work/two.aci"
tar -tf "$work/one.aci" >"$work/names"
cat >"$work/expected" <<'NAMES'
manifest
rootfs/
rootfs/app-add
rootfs/app-rm
rootfs/app-start
rootfs/app-stop
rootfs/attach
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
rootfs/survey
rootfs/vmlinux
rootfs/vmlinuz
NAMES
check "image holds what it should" diff "$work/expected" "$work/names"
tar -xOf "$work/one.aci" manifest >"$work/manifest"
check "manifest is valid and has the version" python3 -c '
import json, sys
manifest = json.load(open(sys.argv[1]))
assert {"name": "version", "value": "1.2.3"} in manifest["labels"]
assert {"name": "arch", "value": "amd64"} in manifest["labels"]' "$work/manifest"
# valid FLAVOUR
valid() {
    python3 -m json.tool "$stage1/$1/manifest.in"
}
for flavour in kvm nspawn fly; do
    check "$flavour manifest is valid" valid $flavour
    check "$flavour image for ARM has its label and what it is given" arm $flavour
done
check "an image that has nothing but its program is packed" env GUEST_ARCH=x86_64 \
    "$here/aci.sh" "$stage1/fly/manifest.in" "$work/Version.swift" "$work/static" "$work/fly.aci"
tar -tf "$work/fly.aci" >"$work/names"
grep -v -e /guest.erofs -e /vmlinu "$work/expected" >"$work/program"
check "it holds neither a guest nor a kernel" diff "$work/program" "$work/names"
check "a dynamic guest program is refused" \
    refuses "$here/guest.sh" "$stage1/guest" "$userland" "$work/dynamic" "$work/no.erofs"
check "a dynamic stage1 program is refused" refuses pack "$work/dynamic" "$work/no.aci"
echo >"$work/Version.swift"
check "a missing version is refused" refuses pack "$work/static" "$work/no.aci"


# A kernel that is a header, and modules of which only the lists are looked at.
kernel_image() {
    "$stage1/kernel-image.sh" --stage1 "$work/base.aci" --kernel "$work/kernel/vmlinuz" "$@"
}
complains() {
    local expected=$1
    shift
    ! "$@" >"$work/complaint" 2>&1 && cat "$work/complaint" && grep -q -- "$expected" "$work/complaint"
}
modules=$work/modules/5.9.1-test+
mkdir -p "$work/kernel" "$modules/kernel"
echo '    package static let current = "1.2.3"' >"$work/Version.swift"
check "the other image is packed" pack "$work/static" "$work/base.aci"
{
    head -c 514 /dev/zero
    printf 'HdrS'
    head -c 8 /dev/zero
    # 512 and this is where the release stands.
    printf '\0\2'
    head -c 496 /dev/zero
    printf '5.9.1-test+ (builder@host) #1\0'
} >"$work/kernel/vmlinuz"
cat >"$modules/modules.builtin" <<'LIST'
kernel/drivers/virtio/virtio_pci.ko
kernel/drivers/char/hw_random/virtio-rng.ko
kernel/fs/fuse/fuse.ko
LIST
cat >"$modules/modules.dep" <<'LIST'
kernel/virtio_blk.ko:
kernel/virtio_console.ko:
kernel/virtio_net.ko.zst: kernel/net_failover.ko kernel/failover.ko.gz
kernel/net_failover.ko: kernel/failover.ko.gz
kernel/failover.ko.gz:
kernel/erofs.ko.xz: kernel/libsum.ko
kernel/libsum.ko:
kernel/sum-generic.ko:
kernel/virtiofs.ko:
kernel/9pnet.ko:
kernel/9p.ko: kernel/9pnet.ko
kernel/9pnet_virtio.ko: kernel/9pnet.ko
kernel/overlay.ko:
kernel/loop.ko:
kernel/sound.ko:
LIST
echo 'softdep libsum pre: sum post: sound' >"$modules/modules.softdep"
echo 'alias sum sum_generic' >"$modules/modules.alias"
while IFS=: read -r file _; do
    packer=cat
    case $file in
    *.gz) packer='gzip -c' ;;
    *.xz) packer='xz -c' ;;
    *.zst) packer='zstd -qc' ;;
    esac
    echo "${file##*/}" | $packer >"$modules/$file"
done <"$modules/modules.dep"

check "image of another kernel is made" kernel_image --modules "$modules" --also loop "$work/kernel/one.aci"
cp -r "$work/modules" "$work/again"
check "it is made again" kernel_image --modules="$work/again/${modules##*/}" --also=loop "$work/kernel/two.aci"
check "both images of another kernel are the same" cmp "$work/kernel/one.aci" "$work/kernel/two.aci"
tar -tf "$work/kernel/one.aci" >"$work/names"
check "it holds nothing but the kernel" diff - "$work/names" <<'NAMES'
manifest
rootfs/
rootfs/bzImage
rootfs/initrd
NAMES
tar -xOf "$work/kernel/one.aci" manifest >"$work/manifest"
tar -xOf "$work/base.aci" manifest >"$work/base-manifest"
check "its manifest depends on the other image and has its annotations" python3 -c '
import json, sys
one, base = (json.load(open(path)) for path in sys.argv[1:])
assert one["name"] == "coreos.com/rkt/stage1-kvm-5.9.1-test", one["name"]
assert one["labels"] == base["labels"]
assert one["dependencies"] == [{"imageName": base["name"], "labels": base["labels"]}]
release = {"name": "coreos.com/rkt/stage1/kernel-release", "value": "5.9.1-test+"}
assert one["annotations"] == base["annotations"] + [release]' "$work/manifest" "$work/base-manifest"
mkdir "$work/initrd"
tar -xOf "$work/kernel/one.aci" rootfs/initrd | (cd "$work/initrd" && cpio --quiet -i)
check "modules come after those that they need" diff - "$work/initrd/modules/order" <<'ORDER'
virtio_blk.ko
virtio_console.ko
failover.ko
net_failover.ko
virtio_net.ko
sum_generic.ko
libsum.ko
sound.ko
erofs.ko
virtiofs.ko
9pnet.ko
9p.ko
9pnet_virtio.ko
overlay.ko
loop.ko
ORDER
check "packed modules are unpacked" grep -qx 'virtio_net.ko.zst' "$work/initrd/modules/virtio_net.ko"
check "the guest's own program is the first" test -x "$work/initrd/init"

refused() {
    check "$1" complains "$2" kernel_image "${@:3}" "$work/kernel/no.aci"
    check "$1, and nothing is left" test -z "$(ls "$work/kernel" | grep '^no')"
}
refused "a kernel of which nothing is known is refused" 'cannot be told'
refused "a module that there is not is refused" "no module 'frob'" --modules "$modules" --also frob
mv "$modules" "$work/modules/5.9.2"
refused "modules of another release are refused" 'not for this kernel' --modules "$work/modules/5.9.2"
mv "$work/modules/5.9.2" "$modules"
sed -i -e '/9p.ko:/d' -e '/^kernel.erofs/d' "$modules/modules.dep"
refused "a kernel without a driver is refused by its modules" '9p (volumes)' --modules "$modules"
check "all that it lacks is named" grep -q 'erofs (the root file system' "$work/complaint"
cp "$work/static" "$work/kernel/vmlinuz"
refused "a vmlinux that cannot be booted is refused" 'no PVH note' --modules "$modules"
head -c 600 /dev/zero >"$work/kernel/vmlinuz"
refused "what is no kernel is refused" 'neither a bzImage nor' --modules "$modules"

# The bundled kernel, where it is built: without modules.
bundled=${BUILD:-$stage1/../build}/kernel
if [ -f "$bundled/vmlinux" ]; then
    kernel_image_of_configuration() {
        "$stage1/kernel-image.sh" --stage1 "$work/base.aci" --kernel "$bundled/$1" --config "$work/config" "${@:2}"
    }
    cp "$bundled/config" "$work/config"
    for image in vmlinux bzImage; do
        check "$image without modules is packed" \
            kernel_image_of_configuration $image --name example.com/stage1 "$work/$image.aci"
    done
    tar -tf "$work/bzImage.aci" >"$work/names"
    check "a bzImage is all that its image holds" diff - "$work/names" <<'NAMES'
manifest
rootfs/
rootfs/bzImage
NAMES
    tar -tf "$work/vmlinux.aci" >"$work/names"
    check "a vmlinux hides the other form of the kernel below" diff - "$work/names" <<'NAMES'
manifest
rootfs/
rootfs/vmlinux
rootfs/vmlinuz
NAMES
    check "what hides it is no kernel" test -z "$(tar -xOf "$work/vmlinux.aci" rootfs/vmlinuz)"
    sed -i -e 's/^CONFIG_VIRTIO_CONSOLE=y/CONFIG_VIRTIO_CONSOLE=m/' -e '/^CONFIG_DEVTMPFS=/d' "$work/config"
    check "a configuration without what is needed is refused" \
        complains 'virtio_console, which is a module' kernel_image_of_configuration vmlinux "$work/no.aci"
    check "what no module can bring is needed too" grep -q 'CONFIG_DEVTMPFS=y' "$work/complaint"
fi

echo "$passed passed, $failed failed"
[ $failed = 0 ]
