#!/bin/bash
# Copyright the rkt-swift authors
# SPDX-License-Identifier: Apache-2.0

# Makes a package of Debian 12 of what `make install` installs. The same inputs give the same bytes.
#
# usage: deb.sh VERSION BUILD_DIR PACKAGE
#
# DEB_COMPRESSION (-Zxz) is what dpkg-deb(1) is told to compress with; tests take what is faster. What is after a `+` in VERSION is not in
# dist/debian/changelog.

set -euo pipefail
export LC_ALL=C
umask 022

readonly version=$1 build=$(realpath "$2") package=$(realpath -m "$3")
readonly source=$(dirname "$(dirname "$(realpath "$0")")")
readonly debian=$source/dist/debian
# Every file of the package carries this time (2024-01-01 00:00:00 UTC).
export SOURCE_DATE_EPOCH=${BUILD_TIME:-1704067200}

die() {
    echo "deb: $*" >&2
    exit 1
}

[ -n "$version" ] || die "no version in Sources/Diagnostics/Version.swift"
read -r _ released _ <"$debian/changelog"
[ "$released" = "(${version%%+*})" ] || die "dist/debian/changelog begins with $released, and not with version ${version%%+*}"

work=$(mktemp -d "${TMPDIR:-/var/tmp}/rkt-deb.XXXXXXXX")
trap 'rm -rf "$work"' EXIT
readonly tree=$work/tree units=$work/tree/lib/systemd/system document=$work/tree/usr/share/doc/rkt
mkdir -m 0755 "$tree"
make -s --no-print-directory -C "$source" install DESTDIR="$tree" PREFIX=/usr UNITS=/lib/systemd/system BUILD="$build"

# The licence is among those that every Debian has, and Debian's changelog is the package's.
rm "$document/LICENSE"
gzip -9n <"$debian/changelog" >"$document/changelog.gz"
find "$tree/usr/share/man" -name '*.1' -exec gzip -9n {} +
install -D -m 0644 "$debian/lintian-overrides" "$tree/usr/share/lintian/overrides/rkt"

# Libraries of libvirt are for the one backend only, whose program says itself when they are missing.
mkdir -p "$work/debian"
printf 'Source: rkt\n\nPackage: rkt\nArchitecture: amd64\n' >"$work/debian/control"
programs=()
for program in "$tree"/usr/bin/* "$tree"/usr/libexec/rkt/*; do
    [ "${program##*/}" = libvirt-domain ] || programs+=("-e$program")
done
libraries=$(cd "$work" && dpkg-shlibdeps -O "${programs[@]}" 2>"$work/complaints") ||
    { cat "$work/complaints" >&2; die "the libraries of the programs cannot be looked up"; }
libraries=${libraries#shlibs:Depends=}

# names EXPRESSION: units that it finds, without templates.
names() {
    (cd "$units" && find . -maxdepth 1 -type f -name 'rkt*' -not -name '*@.*' -regex "$1" -printf '%f\n' | sort | tr '\n' ' ')
}

# What listens is enabled by the administrator. Pods and what has its state in memory are not restarted.
enabled=$(names '.*/rkt-gc[.]timer')
# What can be enabled: links of that are known to Debian, and gone after a purge.
offered=
for unit in $(names '.*'); do
    ! grep -q '^\[Install\]' "$units/$unit" || offered+="$unit "
done
stopped=$(names '.*[.]timer')$(names '.*[.]socket')$(names '.*[.]service')
restarted=
for unit in $(names '.*[.]service'); do
    ! grep -qE '^ExecStart=[-@:+!]*/usr/(bin/rkt|libexec/rkt/)' "$units/$unit" || grep -q '^Type=oneshot' "$units/$unit" ||
        restarted+="$unit "
done
users=$(awk '$1 == "u" { print $2 }' "$source/dist/sysusers.d/rkt.conf" | tr '\n' ' ')
groups=$(awk '$1 == "g" { print $2 }' "$source/dist/sysusers.d/rkt.conf" | tr '\n' ' ')

# fill FILE: with what its words between @ stand for. A list of nothing is a word of nothing.
fill() {
    sed -e "s|@VERSION@|$version|" -e "s|@LIBRARIES@|${libraries//|/\\|}|" -e "s|@SIZE@|$size|" -e "s|@ENABLED@|${enabled% }|" \
        -e "s|@OFFERED@|${offered% }|" -e "s|@STOPPED@|${stopped% }|" -e "s|@RESTARTED@|${restarted% }|" -e "s|@USERS@|${users% }|" \
        -e "s|@GROUPS@|${groups% }|" "$debian/$1"
}

# As Debian counts: files in KiB, each rounded up, and one for each directory and link.
size=$(find "$tree" -printf '%y %s\n' | awk '{ total += $1 == "f" ? int(($2 + 1023) / 1024) : 1 } END { print total }')
mkdir -m 0755 "$tree/DEBIAN"
(cd "$tree" && find . -path ./DEBIAN -prune -o -type f -printf '%P\0' | sort -z | xargs -0 md5sum) >"$tree/DEBIAN/md5sums"
fill control >"$tree/DEBIAN/control"
for script in postinst prerm postrm; do
    fill $script >"$tree/DEBIAN/$script"
    chmod 0755 "$tree/DEBIAN/$script"
done
find "$tree" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +

dpkg-deb --root-owner-group --threads-max=1 ${DEB_COMPRESSION:--Zxz} --build "$tree" "$work/package.deb" >/dev/null
mv "$work/package.deb" "$package"
chmod 0644 "$package"
echo "deb: ${package##*/}, $(($(stat -c %s "$package") >> 20)) MiB"
