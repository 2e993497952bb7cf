#!/bin/bash
# Copyright the rkt-swift authors
# SPDX-License-Identifier: Apache-2.0

# Lets systemd read the units and the examples, with a program in place of rkt. Nothing is done where systemd-analyze is not
# installed.

set -euo pipefail
export LC_ALL=C
command -v systemd-analyze >/dev/null || exit 0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -r "$(dirname "$0")/systemd" "$work/units"
cd "$work/units"
cp examples/*.s* .
cp rkt-tenant@.service rkt-tenant-web@.service
mkdir rkt-acme.slice.d
cp examples/tenant/limits.conf rkt-acme.slice.d/50-tenant.conf
# What units start is not installed here.
sed -i -E 's|^(Exec[A-Za-z]*=)/usr/[a-z/-]*|\1/bin/true|' ./*.service
names=$(ls *.service *.socket *.timer | sed 's/@\./@acme./')
# It ends with 0 also when it has warned.
if ! SYSTEMD_UNIT_PATH="$work/units:" systemd-analyze verify --man=no --recursive-errors=no $names rkt-acme.slice \
    >"$work/said" 2>&1 || [ -s "$work/said" ]; then
    sed 's/^/check-units: /' "$work/said" >&2
    exit 1
fi
