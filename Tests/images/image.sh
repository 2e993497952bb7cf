#!/bin/bash
# Copyright the rkt-swift authors
# SPDX-License-Identifier: Apache-2.0

# Makes an image from packages of the distribution, without installing them.
#
# usage: image.sh NAME OUTPUT CACHE_DIR
#
# The directory NAME holds the parts of a recipe:
#   packages.list   the packages that files may come from; the first one gives the image its version
#   manifest.in     the image manifest, with @VERSION@ in it
#   recipe.sh       the function `assemble`, called with $unpacked (the packages' files) and $root (the image's root);
#                   it may set $owned to a list of UID:PATH, where PATH is below $root and everything else is root's
#
# The result depends on the recipe, this script and the packages as apt resolves them, and it is kept in CACHE_DIR under
# a digest of them.

set -euo pipefail
export LC_ALL=C
umask 022

# Every file of an image carries this time (2024-01-01 00:00:00 UTC).
readonly BUILD_TIME=1704067200
readonly name=$1 output=$(realpath -m "$2") cache=$(realpath -m "$3")
readonly here=$(dirname "$(realpath "$0")")
readonly recipe=$here/$name

die() {
    echo "${0##*/}: $*" >&2
    exit 1
}

# need TOOL PACKAGE
need() {
    command -v "$1" >/dev/null || die "$1 not found, install the Debian package '$2'"
}

# take PATH...: copies files of the packages into the image, symbolic links as links.
take() {
    local path
    for path; do
        [ -e "$unpacked$path" ] || [ -L "$unpacked$path" ] || die "$name: no package holds $path"
        mkdir -p "$root${path%/*}"
        cp -a --no-preserve=timestamps "$unpacked$path" "$root$path"
    done
}

# take_libraries: copies the libraries that programs of the image need, and those that these need.
take_libraries() {
    local directory=/usr/lib/x86_64-linux-gnu library missing=yes
    mkdir -p "$root$directory"
    while [ $missing = yes ]; do
        missing=no
        for library in $(find "$root" -type f -perm /111 -exec readelf -dW {} + 2>/dev/null |
            sed -n 's/.*(NEEDED).*\[\(.*\)\]$/\1/p' | sort -u); do
            [ ! -e "$root$directory/$library" ] || continue
            missing=yes
            [ -e "$unpacked$directory/$library" ] || die "$name: no package holds the library $library"
            cp -L --no-preserve=timestamps "$unpacked$directory/$library" "$root$directory/$library"
            # So that the next round looks at it too.
            chmod 0755 "$root$directory/$library"
        done
    done
    # The C library needs the loader, so it is there.
    ln -s ../lib/x86_64-linux-gnu/ld-linux-x86-64.so.2 "$root/usr/lib64/ld-linux-x86-64.so.2"
}

# add_busybox DIRECTORY LINK...: the static busybox, and links of the given names to it.
add_busybox() {
    local directory=$1 link
    mkdir -p "$root$directory"
    cp --no-preserve=timestamps "$unpacked/usr/bin/busybox" "$root$directory/busybox"
    shift
    for link; do
        mkdir -p "$root${link%/*}"
        [ -e "$root$link" ] || [ -L "$root$link" ] || ln -s "$directory/busybox" "$root$link"
    done
}

# merge_usr ROOT: /bin, /sbin, /lib and /lib64 as links into /usr.
merge_usr() {
    local part
    for part in bin sbin lib lib64; do
        mkdir -p "$1/usr/$part"
        ln -s "usr/$part" "$1/$part"
    done
}

need apt-get apt
need dpkg-deb dpkg
need readelf binutils
[ -f "$recipe/packages.list" ] || die "there is no recipe for '$name'"

readonly packages=$(sed -e 's/[[:space:]]*#.*//' -e '/^$/d' "$recipe/packages.list")
# `apt-get download --print-uris` writes: 'URI' FILE SIZE ALGORITHM:DIGEST
resolved=$(sed 's/$/:amd64/' <<<"$packages" | xargs apt-get download --print-uris -qq | awk '{ print $2, $4 }' | sort) ||
    die "apt cannot resolve the packages of $recipe/packages.list, run 'apt-get update' first"
key=$({
    cat "$here/image.sh" "$recipe"/*
    echo "$resolved"
} | sha256sum | cut -c1-32)
readonly cached=$cache/$name-$key.aci

if [ ! -f "$cached" ]; then
    mkdir -p "$cache"
    work=$(mktemp -d "$cache/.$name.XXXXXXXX")
    trap 'rm -rf "$work"' EXIT
    readonly unpacked=$work/unpacked image=$work/image
    readonly root=$image/rootfs
    mkdir -p "$work/debs" "$unpacked" "$root"

    echo "images: downloading the packages of $name" >&2
    # Without this option apt warns that its unprivileged user cannot write here.
    (cd "$work/debs" && sed 's/$/:amd64/' <<<"$packages" | xargs apt-get download -qq -o APT::Sandbox::User=root) ||
        die "download failed, if the package lists are old run 'apt-get update'"
    # The links come first, and tar keeps them where a package has a directory of that name.
    merge_usr "$unpacked"
    for deb in "$work"/debs/*.deb; do
        dpkg-deb --fsys-tarfile "$deb" | tar -x --keep-directory-symlink --no-same-owner -C "$unpacked"
    done
    version=$(dpkg-deb -f "$work/debs/$(head -n 1 <<<"$packages")"_*.deb Version)
    # The version of what is packed, without epoch and revision.
    version=${version#*:}
    version=${version%%-*}

    owned=
    . "$recipe/recipe.sh"
    assemble

    sed "s/@VERSION@/$version/" "$recipe/manifest.in" >"$image/manifest"
    find "$image" -type d ! -perm /1000 -exec chmod 0755 {} +
    find "$image" -type f -perm /111 -exec chmod 0755 {} +
    find "$image" -type f ! -perm /111 -exec chmod 0644 {} +

    pack() {
        tar "$1" --format=ustar --sort=name --mtime="@$BUILD_TIME" --numeric-owner -C "$image" -f "$work/aci" "${@:2}"
    }
    pack -c --owner=0 --group=0 $(for entry in $owned; do echo "--exclude=rootfs${entry#*:}"; done) manifest rootfs
    for entry in $owned; do
        pack -r --owner="${entry%%:*}" --group="${entry%%:*}" "rootfs${entry#*:}"
    done
    mv "$work/aci" "$cached"
fi

mkdir -p "$(dirname "$output")"
cmp -s "$cached" "$output" || {
    cp "$cached" "$output.new"
    mv "$output.new" "$output"
}
