#!/bin/bash
# Copyright the rkt-swift authors
# SPDX-License-Identifier: Apache-2.0

# Makes a stage1 image that runs pods on another kernel. The image depends on the one that comes with rkt and holds the
# kernel only; for a kernel with modules also an initrd with those that a guest needs before it has its root.

set -euo pipefail
export LC_ALL=C
umask 022

usage() {
    cat <<'END'
usage: kernel-image.sh --kernel FILE [--modules DIR] [--config FILE] [OPTION ...] OUTPUT.aci

  --kernel FILE     vmlinuz (bzImage), or a vmlinux that can be booted by PVH
  --modules DIR     the modules of that kernel, as in /lib/modules/RELEASE
  --config FILE     what the kernel was configured with (default: config-RELEASE
                    or config beside the kernel, where there is one)
  --also MODULE     another module for the initrd; may be repeated
  --name NAME       name of the image
                    (default: that of the other image, a dash, and the release)
  --stage1 FILE     the image to depend on (default: the installed stage1-kvm.aci,
                    or the one in the build directory)
  --sign KEY        write OUTPUT.aci.asc too, a signature by that key of gpg's

The same inputs give the same bytes. The image's ID is printed.
END
}

die() {
    echo "kernel-image: $*" >&2
    exit 1
}

# need TOOL PACKAGE: fails when TOOL is not installed.
need() {
    command -v "$1" >/dev/null || die "$1 not found, install the Debian package '$2'"
}

# Every file of an image carries this time (2024-01-01 00:00:00 UTC).
readonly BUILD_TIME=1704067200

# What a guest cannot do without: module, option that it comes with, what for.
readonly NEEDED='
virtio_pci      VIRTIO_PCI         all devices of the machine
virtio_blk      VIRTIO_BLK         the root file system of the guest
virtio_console  VIRTIO_CONSOLE     ports to the host
virtio_rng      HW_RANDOM_VIRTIO   random numbers
virtio_net      VIRTIO_NET         networks
erofs           EROFS_FS           the root file system of the guest
fuse            FUSE_FS            root directories of apps
virtiofs        VIRTIO_FS          root directories of apps
9p              9P_FS              volumes
9pnet_virtio    NET_9P_VIRTIO      volumes
overlay         OVERLAY_FS         writable layers
'
# Loaded where the kernel has them: the host learns of a panic, and gets memory back.
readonly WELCOME='pvpanic_pci virtio_balloon'
# What no module can bring, seen only where the configuration is known.
readonly BUILT_IN='
DEVTMPFS              device nodes
TMPFS                 memory file systems
UNIX                  sockets of the journal and of the agent
CGROUPS               limits of apps
SERIAL_8250_CONSOLE   the console, on which a failing start is seen
'

kernel='' modules='' config='' name='' base='' key='' output='' also=''
while [ $# -gt 0 ]; do
    case $1 in
    --help | -h) usage && exit ;;
    --kernel | --modules | --config | --also | --name | --stage1 | --sign)
        [ $# -ge 2 ] && [ -n "$2" ] || die "$1 needs a value"
        case $1 in
        --kernel) kernel=$2 ;;
        --modules) modules=${2%/} ;;
        --config) config=$2 ;;
        --also) also+=" ${2//-/_}" ;;
        --name) name=$2 ;;
        --stage1) base=$2 ;;
        --sign) key=$2 ;;
        esac
        shift 2
        ;;
    --*=*) set -- "${1%%=*}" "${1#*=}" "${@:2}" ;;
    -*) die "there is no option $1, see --help" ;;
    *)
        [ -z "$output" ] || die "'$output' and '$1' cannot both be the output"
        output=$1
        shift
        ;;
    esac
done
[ -n "$kernel" ] && [ -n "$output" ] || { usage >&2; exit 2; }
[[ $output == *.aci ]] || die "the output '$output' does not end in .aci"
[ -f "$kernel" ] || die "there is no kernel '$kernel'"

need tar tar
need gzip gzip
need fsck.erofs erofs-utils
[ -z "$key" ] || need gpg gnupg

mkdir -p "$(dirname "$output")"
work=$(mktemp -d "$output.XXXXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/image/rootfs"

# MARK: the kernel

# field OFFSET LENGTH: of the kernel's file, as a number.
field() {
    od -A n -t "u$2" -j "$1" -N "$2" "$kernel" | tr -d ' '
}
# text OFFSET LENGTH: without zero bytes.
text() {
    dd if="$kernel" bs=1 skip="$1" count="$2" status=none | tr -d '\0'
}

release=
if [ "$(text 514 4)" = HdrS ]; then
    # The boot protocol of x86: the version's place is counted from the second sector.
    format=bzImage
    [ "$(field 526 2)" != 0 ] && release=$(text $((512 + $(field 526 2))) 128 | sed 's/ .*//;q')
    cp "$kernel" "$work/image/rootfs/bzImage"
elif [ "$(text 0 4)" = $'\x7fELF' ]; then
    format=vmlinux
    need readelf binutils
    need strip binutils
    # XEN_ELFNOTE_PHYS32_ENTRY is note 18 of "Xen".
    readelf -nW "$kernel" 2>/dev/null | grep -q '^ *Xen .*0x00000012' ||
        die "$kernel has no PVH note and cannot be booted as it is; use the vmlinuz (bzImage) of that kernel," \
            "or build it with CONFIG_PVH=y"
    release=$(grep -aom 1 'Linux version [^ ]*' "$kernel" | sed 's/^Linux version //;q') || true
    strip -o "$work/image/rootfs/vmlinux" "$kernel"
    # Backends that boot no vmlinux are not to boot the kernel of the image below instead.
    : >"$work/image/rootfs/vmlinuz"
else
    die "$kernel is neither a bzImage nor an ELF vmlinux"
fi
[[ $release =~ ^[0-9][0-9A-Za-z.+_~-]*$ ]] || die "$kernel does not tell its release"

# MARK: what it can do

if [ -z "$config" ]; then
    for file in "$(dirname "$kernel")"/{config-$release,config}; do
        [ -f "$file" ] && config=$file && break
    done
fi
[ -z "$config" ] || [ -f "$config" ] || die "there is no configuration '$config'"
[ -n "$modules$config" ] ||
    die "it cannot be told what $kernel is able to do; name its modules with --modules or its configuration with --config"

# option NAME: y, m or n.
option() {
    local line
    line=$(grep -m 1 "^CONFIG_$1=[ym]$" "$config") && echo "${line##*=}" || echo n
}

declare -A built_in=() file_of=() dependencies=() before=() after=() seen=()
order=() missing=()

# Names of modules have underscores where those of files may have dashes.
# module_name FILE, into $module
module_name() {
    module=${1##*/}
    module=${module%%.ko*}
    module=${module//-/_}
}

if [ -n "$modules" ]; then
    [ -d "$modules" ] || die "there is no directory '$modules'"
    [ -f "$modules/modules.builtin" ] || die "'$modules' is no directory of modules: it has no modules.builtin"
    [ "$(basename "$(realpath "$modules")")" = "$release" ] ||
        die "'$modules' is not for this kernel, whose release is $release"
    lists=$modules
    if [ ! -f "$modules/modules.dep" ]; then
        # As in a package that was not installed.
        need depmod kmod
        lists=$work/depmod/lib/modules/$release
        mkdir -p "$lists"
        for entry in "$(realpath "$modules")"/*; do ln -s "$entry" "$lists"; done
        depmod -b "$work/depmod" "$release" 2>"$work/log" || die "depmod fails on '$modules': $(tail -n 1 "$work/log")"
    fi
    while read -r file; do
        module_name "$file"
        built_in[$module]=yes
    done <"$modules/modules.builtin"
    while IFS=: read -r file list; do
        module_name "$file"
        file_of[$module]=$file
        dependencies[$module]=$list
    done <"$lists/modules.dep"
    if [ -f "$lists/modules.softdep" ]; then
        # A module may have several lines, each with what is to be loaded before it and after it (modprobe.d(5)).
        while read -r -a words; do
            [ "${words[0]:-}" = softdep ] && [ ${#words[@]} -gt 2 ] || continue
            module=${words[1]//-/_} place=
            for word in "${words[@]:2}"; do
                case $place$word in
                *pre: | *post:) place=$word ;;
                pre:*) before[$module]+=" $word" ;;
                post:*) after[$module]+=" $word" ;;
                esac
            done
        done <"$lists/modules.softdep"
    fi
fi

# available MODULE: whether there is a file or it is part of the kernel.
available() {
    [ -n "${built_in[$1]:-}" ] || [ -n "${file_of[$1]:-}" ]
}

# add_wanted NAME: adds a module, or all that have the alias, where the kernel has any and not built in.
add_wanted() {
    local name=${1//-/_} candidate list
    list=$name
    available "$name" ||
        list=$(awk -v name="$name" '$1 == "alias" { gsub("-", "_", $2); if ($2 == name) print $3 }' "$lists/modules.alias")
    for candidate in $list; do ! available "$candidate" || add "$candidate"; done
}

# add MODULE: appends it to the order, what it depends on first.
add() {
    local name=$1 dependency
    [ -z "${seen[$name]:-}" ] && [ -z "${built_in[$name]:-}" ] || return 0
    seen[$name]=yes
    # Such as the checksum that a module looks for by its name when it starts.
    for dependency in ${before[$name]:-}; do add_wanted "$dependency"; done
    for dependency in ${dependencies[$name]}; do
        module_name "$dependency"
        available "$module" || die "module $name depends on $dependency, which is not in '$modules'"
        add "$module"
    done
    order+=("$name")
    for dependency in ${after[$name]:-}; do add_wanted "$dependency"; done
}

while read -r module option purpose; do
    [ -n "$module" ] || continue
    if [ -n "$modules" ]; then
        if available "$module"; then add "$module"; else missing+=("$module ($purpose)"); fi
        continue
    fi
    case $(option "$option") in
    m) missing+=("$module, which is a module ($purpose; name its modules with --modules)") ;;
    n) missing+=("$module ($purpose; CONFIG_$option)") ;;
    esac
done <<<"$NEEDED"
if [ -n "$config" ]; then
    while read -r option purpose; do
        [ -z "$option" ] || [ "$(option "$option")" = y ] || missing+=("CONFIG_$option=y ($purpose)")
    done <<<"$BUILT_IN"
    [ ${#order[@]} = 0 ] || [ "$(option BLK_DEV_INITRD)" = y ] ||
        missing+=("CONFIG_BLK_DEV_INITRD=y (modules before there is a root file system)")
fi
if [ ${#missing[@]} -gt 0 ]; then
    echo "kernel-image: kernel $release cannot run pods, it has neither as a module nor built in:" >&2
    printf 'kernel-image:   %s\n' "${missing[@]}" >&2
    exit 1
fi
for module in $WELCOME; do ! available "$module" || add "$module"; done
for module in $also; do
    available "$module" || die "kernel $release has no module '$module'"
    add "$module"
done

# MARK: the image it depends on

if [ -z "$base" ]; then
    here=$(dirname "$(realpath "$0")")
    for file in "$here"/{stage1-images,../build,..}/stage1-kvm.aci /usr/lib/rkt/stage1-images/stage1-kvm.aci; do
        [ -f "$file" ] && base=$file && break
    done
    [ -n "$base" ] || die "no stage1-kvm.aci is installed; name one with --stage1"
fi
[ -f "$base" ] || die "there is no image '$base'"
mkdir "$work/base"
tar -x -f "$base" -C "$work/base" --no-same-owner manifest rootfs/guest.erofs 2>"$work/log" ||
    die "'$base' is no stage1 image for virtual machines: $(tail -n 1 "$work/log")"
for file in manifest rootfs/guest.erofs; do
    # A link would be followed to a file of this machine.
    [ "$(realpath -e "$work/base/$file")" = "$(realpath "$work/base")/$file" ] && [ -f "$work/base/$file" ] ||
        die "'$base' is no stage1 image for virtual machines: its $file is no file"
done
manifest=$(tr -s '\n\t ' ' ' <"$work/base/manifest")
base_name=$(sed -n 's/^{\(.*\)"name": *"\([a-z0-9._~\/-]*\)", *"labels".*/\2/p' <<<"$manifest")
version=$(sed -n 's/.*"name": *"version", *"value": *"\([^"\\]*\)".*/\1/p' <<<"$manifest")
annotations=$(grep -o '"annotations": *\[[^]]*\]' <<<"$manifest") || true
[ -n "$base_name" ] && [ -n "$version" ] && [ -n "$annotations" ] || die "the manifest of '$base' is not that of rkt's own"

# MARK: initrd

if [ ${#order[@]} -gt 0 ]; then
    need cpio cpio
    fsck.erofs --extract="$work/guest" "$work/base/rootfs/guest.erofs" >"$work/log" 2>&1 ||
        die "the guest root of '$base' cannot be read: $(tail -n 1 "$work/log")"
    initrd=$work/initrd
    mkdir -p "$initrd"/{dev,modules,proc,root}
    # A link would be followed to a file of this machine.
    [ "$(realpath -e "$work/guest/usr/lib/rkt/rkt-guest")" = "$(realpath "$work/guest")/usr/lib/rkt/rkt-guest" ] ||
        die "the guest root of '$base' has no program for an initrd"
    install -m 0755 "$work/guest/usr/lib/rkt/rkt-guest" "$initrd/init"
    for module in "${order[@]}"; do
        file=$modules/${file_of[$module]}
        [[ ${file_of[$module]} != /* ]] || file=${file_of[$module]}
        case $file in
        *.ko) cat "$file" ;;
        *.ko.gz) gzip -dc "$file" ;;
        *.ko.xz) need xz xz-utils && xz -dc "$file" ;;
        *.ko.zst) need zstd zstd && zstd -qdc "$file" ;;
        *) die "it is not known how $file is packed" ;;
        esac >"$initrd/modules/$module.ko" || die "$file cannot be read"
        echo "$module.ko"
    done >"$initrd/modules/order"
    find "$initrd" -exec touch -h -d "@$BUILD_TIME" {} +
    # Not compressed: unpacking takes longer than reading where the processor is emulated.
    (cd "$initrd" && find . -mindepth 1 | sort | cpio --quiet -o -H newc -R 0:0 --reproducible) \
        >"$work/image/rootfs/initrd"
fi

# MARK: the image

# In names of images there are fewer characters than in releases.
[ -n "$name" ] || name=$base_name-$(tr 'A-Z+_~' 'a-z---' <<<"$release" | sed 's/-*$//')
[[ $name =~ ^[a-z0-9]+([._~/-][a-z0-9]+)*$ ]] || die "'$name' is not a name of an image"
platform='{ "name": "os", "value": "linux" },
        { "name": "arch", "value": "amd64" }'
cat >"$work/image/manifest" <<END
{
    "acKind": "ImageManifest",
    "acVersion": "0.8.11",
    "name": "$name",
    "labels": [
        { "name": "version", "value": "$version" },
        $platform
    ],
    "dependencies": [
        {
            "imageName": "$base_name",
            "labels": [
                { "name": "version", "value": "$version" },
                { "name": "os", "value": "linux" },
                { "name": "arch", "value": "amd64" }
            ]
        }
    ],
    ${annotations%]}, { "name": "coreos.com/rkt/stage1/kernel-release", "value": "$release" } ]
}
END
find "$work/image" -type d -exec chmod 0755 {} +
find "$work/image" -type f -exec chmod 0644 {} +
tar -c --format=ustar --sort=name --mtime="@$BUILD_TIME" --owner=0 --group=0 --numeric-owner \
    -C "$work/image" -f "$work/tar" manifest rootfs
gzip -n9 <"$work/tar" >"$work/aci"
if [ -n "$key" ]; then
    gpg --yes --armor --local-user "$key" --output "$work/aci.asc" --detach-sign "$work/aci" || die "gpg cannot sign"
    mv "$work/aci.asc" "$output.asc"
else
    # One of an image that was here before is not this one's.
    rm -f "$output.asc"
fi
mv "$work/aci" "$output"
echo "$name:$version sha512-$(sha512sum <"$work/tar" | cut -c 1-64), $format of $release," \
    "${#order[@]} modules, $(($(stat -c %s "$output") / 1000)) kB"
