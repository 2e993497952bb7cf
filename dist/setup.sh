#!/bin/bash
# Copyright the rkt-swift authors
# SPDX-License-Identifier: Apache-2.0

# Installs the Debian packages of packages.list that are missing, and checks that Swift is there.
#
# usage: setup.sh

set -euo pipefail
export LC_ALL=C DEBIAN_FRONTEND=noninteractive

readonly list=$(dirname "$(realpath "$0")")/packages.list
readonly SWIFT=6.3

die() {
    echo "setup: $*" >&2
    exit 1
}

command -v dpkg-query >/dev/null || die "this is not a Debian system; install by hand what $list names"

# installed PACKAGE
installed() {
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

missing=()
while read -r line; do
    # A line may name packages of which any one will do; the first one is installed when there is none.
    found=no
    for package in ${line//|/ }; do
        ! installed "$package" || found=yes
    done
    [ $found = yes ] || missing+=("${line%%|*}")
done < <(sed -e 's/[[:space:]]*#.*//' -e '/^$/d' "$list")

# as_root WHY
as_root() {
    [ "$(id -u)" -eq 0 ] || die "$1; run 'sudo make setup', or as root"
}

if [ ${#missing[@]} -gt 0 ]; then
    as_root "these packages are missing: ${missing[*]}"
    echo "setup: installing ${missing[*]}"
    apt-get update -qq
    # Packages of services start them where systemd runs; nothing here needs that, tests start their own.
    apt-get install -y -qq -o Dpkg::Use-Pty=0 --no-install-recommends "${missing[@]}"
elif ! (cd / && apt-get download --print-uris -qq busybox-static) >/dev/null 2>&1; then
    # The recipes of the guest and of the test images download packages without installing them.
    as_root "the package lists of apt are empty"
    apt-get update -qq
fi

command -v swift >/dev/null ||
    die "swift is not in PATH; install Swift $SWIFT for Debian 12 from https://www.swift.org/install/linux/ and add its usr/bin to PATH"
version=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9.]*\).*/\1/p' | head -n 1)
case $version in
$SWIFT | $SWIFT.*) ;;
*) die "swift $SWIFT is needed and $(command -v swift) is version '${version:-unknown}'; see https://www.swift.org/install/linux/" ;;
esac
[ -d "$(dirname "$(dirname "$(realpath "$(command -v swift)")")")/lib/swift_static" ] ||
    die "this Swift has no static libraries (lib/swift_static); use a toolchain of swift.org"

echo "setup: all packages are installed, Swift $version"
