#!/bin/bash
# Copyright the rkt-swift authors
# SPDX-License-Identifier: Apache-2.0

# Assembles the Debian part of the guest root from downloaded packages.
#
# usage: userland.sh CACHE_DIR GUEST_DIR [MORE_DIR]
#
# What the lists in MORE_DIR name is added to that of GUEST_DIR. Prints the directory that holds the result. The directory is named after a
# digest of all inputs: the lists, this script, and version
# and checksum of each package as apt resolves it. If it exists it is used as
# it is. It is made under another name and renamed when complete, so that
# builds running side by side see all of it or nothing.

. "$(dirname "$0")/common.sh"

readonly cache=$(realpath -m "$1")
shift
packages=() files=()
for directory in "$@"; do
    packages+=("$(realpath "$directory")/packages.list")
    files+=("$(realpath "$directory")/files.list")
done
readonly here=$(dirname "$(realpath "$0")")

need apt-get apt
need dpkg-deb dpkg
need readelf binutils
need sha256sum coreutils

# all_entries FILE...: those of several lists.
all_entries() {
    local file
    for file in "$@"; do entries "$file"; done
}

# `apt-get download --print-uris` writes: 'URI' FILE SIZE ALGORITHM:DIGEST
resolved=$(all_entries "${packages[@]}" | sed 's/$/:amd64/' |
    xargs apt-get download --print-uris -qq | awk '{ print $2, $4 }' | sort) ||
    die "apt cannot resolve the packages of ${packages[*]}, run 'apt-get update' first"

key=$({
    cat "${packages[@]}" "${files[@]}" "$here/common.sh" "$here/userland.sh" "$here/check-needed.sh"
    echo "$resolved"
} | sha256sum | cut -c1-32)
readonly result=$cache/userland-$key

if [ -d "$result" ]; then
    echo "$result"
    exit
fi

mkdir -p "$cache"
work=$(mktemp -d "$cache/.userland.XXXXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir "$work/debs" "$work/unpacked" "$work/root"

echo "stage1: downloading and unpacking the guest's packages" >&2
(
    cd "$work/debs"
    # Without this option apt warns that its unprivileged user cannot write here.
    all_entries "${packages[@]}" | sed 's/$/:amd64/' |
        xargs apt-get download -qq -o APT::Sandbox::User=root
) || die "download failed, if the package lists are old run 'apt-get update'"

# The merged-/usr links come first and tar keeps them where a package has a
# directory of that name, so everything ends up below /usr. (`dpkg-deb -x` would
# replace them.)
merge_usr() {
    local name
    mkdir -p "$1/usr"
    for name in bin sbin lib lib64; do
        mkdir -p "$1/usr/$name"
        ln -s "usr/$name" "$1/$name"
    done
}
merge_usr "$work/unpacked"
for deb in "$work"/debs/*.deb; do
    dpkg-deb --fsys-tarfile "$deb" | tar -x --keep-directory-symlink --no-same-owner -C "$work/unpacked"
done

merge_usr "$work/root"
while read -r pattern; do
    [[ $pattern == /usr/* ]] || die "files.list: '$pattern' does not begin with /usr/"
    found=no
    while read -r path; do
        [ -e "$path" ] || [ -L "$path" ] || continue
        [ -L "$path" ] || [ ! -d "$path" ] || die "files.list: '$pattern' names a directory"
        found=yes
        target=$work/root${path#"$work/unpacked"}
        mkdir -p "$(dirname "$target")"
        cp -a --no-preserve=timestamps "$path" "$target"
    done < <(compgen -G "$work/unpacked$pattern")
    [ $found = yes ] || die "files.list: '$pattern' matches no file of the packages"
done < <(all_entries "${files[@]}")

"$here/check-needed.sh" "$work/root"

# What the root was made of, for whoever asks later.
mkdir -p "$work/root/usr/share/rkt"
(cd "$work/debs" && sha256sum -- *.deb) >"$work/root/usr/share/rkt/packages.sha256"

mv -T "$work/root" "$result" 2>/dev/null || [ -d "$result" ] || die "cannot create $result"
echo "$result"
