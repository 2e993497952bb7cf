#!/bin/bash
# Copyright the rkt-swift authors
# SPDX-License-Identifier: Apache-2.0

# Signs what `make dist` makes: FILE.asc beside each file, checked at once with nothing but the exported key. `rkt trust` and
# `rkt fetch` verify the signatures of the stage1 images, gpg those of all.
#
# usage: sign.sh DIRECTORY FILE...
#
# RKT_SIGNING_KEY is the fingerprint of a key of the caller's gpg. Without it nothing is signed, which is an error if
# RKT_REQUIRE_SIGNATURES is 1. A signature has a time, so that it is not the same twice.

set -euo pipefail
export LC_ALL=C
readonly directory=$1 key=${RKT_SIGNING_KEY:-}
shift

# A signature of an earlier file is worse than none.
for file; do
    rm -f "$directory/$file.asc"
done
if [ -z "$key" ]; then
    echo "sign: nothing is signed; name a key of gpg with RKT_SIGNING_KEY=FINGERPRINT" >&2
    [ "${RKT_REQUIRE_SIGNATURES:-}" != 1 ] || exit 1
    exit 0
fi
[[ $key =~ ^(0x)?[0-9A-Fa-f]{40}$ ]] || { echo "sign: \"$key\" is no fingerprint; it has 40 hexadecimal digits" >&2; exit 1; }

home=$(mktemp -d "${TMPDIR:-/tmp}/rkt-sign.XXXXXXXX")
# A signature is made there and moved, so that an interruption leaves none by halves, which gpg would ask about the next time.
trap 'rm -rf "$home"' EXIT
gpg --batch --quiet --armor --export "$key" >"$home/key.asc"
[ -s "$home/key.asc" ] || { echo "sign: gpg has no key $key" >&2; exit 1; }
gpg --homedir "$home" --batch --quiet --no-autostart --import "$home/key.asc" 2>"$home/complaints" ||
    { cat "$home/complaints" >&2; exit 1; }

for file; do
    # gpg may ask for a passphrase.
    gpg --quiet --armor --local-user "$key" --output "$home/signature.asc" --detach-sign "$directory/$file"
    # Nothing but the exported key is known there.
    if ! gpg --homedir "$home" --batch --no-autostart --status-fd 3 3>"$home/status" 2>"$home/complaints" \
        --verify "$home/signature.asc" "$directory/$file" || ! grep -q "^\[GNUPG:\] VALIDSIG " "$home/status"; then
        cat "$home/complaints" >&2
        echo "sign: the signature of $file does not verify with the exported key" >&2
        exit 1
    fi
    mv "$home/signature.asc" "$directory/$file.asc"
    echo "sign: $file.asc"
done
