#!/bin/bash
# Copyright the rkt-swift authors
# SPDX-License-Identifier: Apache-2.0

# Builds the guest kernel from the distribution's source, or takes it from the
# cache when the same inputs have been built before.
#
# usage: build.sh CACHE OUTPUT JOBS [config]
#
# With `config` it only looks whether the fragments give what they ask for.
#
# KERNEL_SOURCE in the environment names another source archive, GUEST_ARCH
# another architecture than this machine's: x86_64 or aarch64.

set -euo pipefail
export LC_ALL=C
umask 022

readonly source=${KERNEL_SOURCE:-/usr/src/linux-source-6.1.tar.xz}
readonly suffix=-rkt
readonly machine=${GUEST_ARCH:-$(uname -m)}
# What the kernel calls the architecture, its fragments, the compiler for it, and
# the image that is not an ELF file.
case $machine in
x86_64) readonly arch=x86 compiler=x86_64-linux-gnu package=x86-64-linux-gnu image=bzImage ;;
aarch64) readonly arch=arm64 compiler=aarch64-linux-gnu package=aarch64-linux-gnu image=Image ;;
*) echo "${0##*/}: there is no guest kernel for $machine, only for x86_64 and aarch64" >&2 && exit 1 ;;
esac
readonly products=(vmlinux "$image" config release source)
# A compiler of this machine's own has no prefix.
prefix=
[ "$machine" = "$(uname -m)" ] || prefix=$compiler-
readonly prefix

die() {
    echo "${0##*/}: $*" >&2
    exit 1
}

# need TOOL PACKAGE: fails when TOOL is not installed.
need() {
    command -v "$1" >/dev/null || die "$1 not found, install the Debian package '$2'"
}

# header NAME PACKAGE: fails when the C compiler does not find <NAME>.
header() {
    echo "#include <$1>" | gcc -E - >/dev/null 2>&1 || die "$1 not found, install the Debian package '$2'"
}

# The key of the cache: everything that decides about the result.
inputs() {
    echo "$digest"
    sha256sum build.sh check-config "${fragments[@]}"
    for tool in "${prefix}gcc" "${prefix}ld" lz4; do "$tool" --version | sed -n 1p; done
}

# The kernel's own make sees nothing of this system but its tools, so that no
# variable of the caller, or of the make that runs this, changes the result.
kernel() {
    env -i PATH="$PATH" LC_ALL=C ARCH="$arch" CROSS_COMPILE="$prefix" KBUILD_BUILD_TIMESTAMP="$built" \
        KBUILD_BUILD_VERSION=1 KBUILD_BUILD_USER=rkt KBUILD_BUILD_HOST=rkt "$@"
}

# Leaves the source with its configuration in $work/linux.
configure() {
    mkdir "$work/linux"
    tar -x -f "$source" -C "$work/linux" --strip-components=1 || die "$source cannot be unpacked"
    # The time that the kernel says it was built at is that of its source.
    built=$(date -u -r "$work/linux/Makefile")

    if ! (cd "$work/linux" && kernel scripts/kconfig/merge_config.sh -n "${fragments[@]/#/$here/}") \
        >"$work/log" 2>&1; then
        cat "$work/log" >&2
        die "the fragments cannot be merged"
    fi
    ./check-config "$work/linux/.config" "${fragments[@]}" || die "the fragments ask for what this source cannot give"
}

# Leaves the products in $work/products.
build() {
    local make=(make -s -j "$jobs" LOCALVERSION="$suffix")
    configure
    mkdir "$work/products"
    (cd "$work/linux" && kernel "${make[@]}" vmlinux "$image") || die "the kernel cannot be built"
    "${prefix}strip" -o "$work/products/vmlinux" "$work/linux/vmlinux"
    cp "$work/linux/arch/$arch/boot/$image" "$work/products/$image"
    cp "$work/linux/.config" "$work/products/config"
    (cd "$work/linux" && kernel "${make[@]}" kernelrelease) >"$work/products/release"
    echo "$digest  ${source##*/}" >"$work/products/source"
}

[ $# -eq 3 ] || [ "$# ${4:-}" = "4 config" ] || die "usage: build.sh CACHE OUTPUT JOBS [config]"
mkdir -p "$1" "$2"
cache=$(realpath "$1") output=$(realpath "$2") jobs=$3
readonly cache output jobs
cd "$(dirname "$0")"
readonly here=$PWD

[ -f "$source" ] || die "$source not found, install the Debian package 'linux-source-6.1'"
need "${prefix}gcc" "gcc${prefix:+-$package}"
need "${prefix}ld" "binutils${prefix:+-$package}"
need xz xz-utils
need flex flex
need bison bison
need bc bc
need lz4 lz4
header stdio.h libc6-dev
header gelf.h libelf-dev

# Those of all architectures and of this one; names of the others' begin with a
# number and the architecture.
fragments=()
for fragment in fragments/*.config; do
    case ${fragment##*/} in
    [0-9][0-9]-x86-*) [ "$arch" = x86 ] || continue ;;
    [0-9][0-9]-arm64-*) [ "$arch" = arm64 ] || continue ;;
    esac
    fragments+=("$fragment")
done
readonly fragments

digest=$(sha256sum <"$source" | cut -d ' ' -f 1)
key=$(inputs | sha256sum | cut -d ' ' -f 1)
readonly digest key

if [ "${4:-}" = config ]; then
    work=$(mktemp -d "$cache/build.XXXXXXXX")
    trap 'rm -rf "$work"' EXIT
    configure
    exit
fi

if [ ! -d "$cache/$key" ]; then
    echo "building the guest kernel, which takes some minutes" >&2
    work=$(mktemp -d "$cache/build.XXXXXXXX")
    trap 'rm -rf "$work"' EXIT
    build
    # Another build of the same inputs may have been quicker; both are the same.
    mv -T "$work/products" "$cache/$key" 2>/dev/null || [ -d "$cache/$key" ] || die "cannot write to $cache"
fi

# A product that is there already keeps its time, and what depends on it rests.
for product in "${products[@]}"; do
    cmp -s "$cache/$key/$product" "$output/$product" && continue
    cp "$cache/$key/$product" "$output/$product.new"
    mv "$output/$product.new" "$output/$product"
done
