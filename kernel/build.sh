#!/bin/bash
# Copyright the rkt-swift authors
# SPDX-License-Identifier: Apache-2.0

# Builds the guest kernel from the distribution's source, or takes it from the
# cache when the same inputs have been built before.
#
# usage: build.sh CACHE OUTPUT JOBS
#
# KERNEL_SOURCE in the environment names another source archive.

set -euo pipefail
export LC_ALL=C
umask 022

readonly source=${KERNEL_SOURCE:-/usr/src/linux-source-6.1.tar.xz}
readonly suffix=-rkt
readonly products=(vmlinux bzImage config release source)

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
    sha256sum build.sh check-config fragments/*.config
    for tool in gcc ld lz4; do "$tool" --version | sed -n 1p; done
}

# The kernel's own make sees nothing of this system but its tools, so that no
# variable of the caller, or of the make that runs this, changes the result.
kernel() {
    env -i PATH="$PATH" LC_ALL=C KBUILD_BUILD_TIMESTAMP="$built" KBUILD_BUILD_VERSION=1 \
        KBUILD_BUILD_USER=rkt KBUILD_BUILD_HOST=rkt "$@"
}

# Leaves the products in $work/products.
build() {
    mkdir "$work/linux" "$work/products"
    tar -x -f "$source" -C "$work/linux" --strip-components=1 || die "$source cannot be unpacked"
    # The time that the kernel says it was built at is that of its source.
    built=$(date -u -r "$work/linux/Makefile")

    local fragments=("$PWD"/fragments/*.config) make=(make -s -j "$jobs" LOCALVERSION="$suffix")
    if ! (cd "$work/linux" && kernel scripts/kconfig/merge_config.sh -n "${fragments[@]}") >"$work/log" 2>&1; then
        cat "$work/log" >&2
        die "the fragments cannot be merged"
    fi
    ./check-config "$work/linux/.config" fragments/*.config || die "the fragments ask for what this source cannot give"

    (cd "$work/linux" && kernel "${make[@]}" vmlinux bzImage) || die "the kernel cannot be built"
    strip -o "$work/products/vmlinux" "$work/linux/vmlinux"
    cp "$work/linux/arch/x86/boot/bzImage" "$work/products/bzImage"
    cp "$work/linux/.config" "$work/products/config"
    (cd "$work/linux" && kernel "${make[@]}" kernelrelease) >"$work/products/release"
    echo "$digest  ${source##*/}" >"$work/products/source"
}

[ $# -eq 3 ] || die "usage: build.sh CACHE OUTPUT JOBS"
mkdir -p "$1" "$2"
cache=$(realpath "$1") output=$(realpath "$2") jobs=$3
readonly cache output jobs
cd "$(dirname "$0")"

[ -f "$source" ] || die "$source not found, install the Debian package 'linux-source-6.1'"
need gcc gcc
need ld binutils
need xz xz-utils
need flex flex
need bison bison
need bc bc
need lz4 lz4
header stdio.h libc6-dev
header gelf.h libelf-dev

digest=$(sha256sum <"$source" | cut -d ' ' -f 1)
key=$(inputs | sha256sum | cut -d ' ' -f 1)
readonly digest key

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
