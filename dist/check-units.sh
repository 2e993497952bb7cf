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
mkdir -p "$work/bin"
ln -s /bin/true "$work/bin/rkt"
"$(dirname "$0")/install-units.sh" "$work" "$work/units" "$work/examples"
# The network plugin's daemon need not be installed here.
sed -i "s|^ExecStart=/usr/lib/cni/dhcp .*|ExecStart=/bin/true|" "$work/units/rkt-cni-dhcp.service"
cp "$work"/examples/*.s* "$work/units"
cp "$work/units/rkt-tenant@.service" "$work/units/rkt-tenant-web@.service"
mkdir "$work/units/rkt-acme.slice.d"
cp "$work/examples/tenant/limits.conf" "$work/units/rkt-acme.slice.d/50-tenant.conf"
cd "$work/units"
names=$(ls *.service *.socket *.timer | sed 's/@\./@acme./')
# It ends with 0 also when it has warned.
if ! SYSTEMD_UNIT_PATH="$work/units:" systemd-analyze verify --man=no --recursive-errors=no $names rkt-acme.slice \
    >"$work/said" 2>&1 || [ -s "$work/said" ]; then
    sed 's/^/check-units: /' "$work/said" >&2
    exit 1
fi
