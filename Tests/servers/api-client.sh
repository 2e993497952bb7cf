#!/bin/bash
# Copyright the rkt-swift authors
# SPDX-License-Identifier: Apache-2.0

# Runs api-client.py with the packages that it needs, from PyPI, in a virtual environment in $RKT_CACHE that is made once.
#
# usage: api-client.sh ARGUMENT...

set -euo pipefail
export LC_ALL=C
readonly here=$(dirname "$(realpath "$0")")
readonly cache=${RKT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/rkt-build}
readonly GRPC=1.85.1
readonly environment=$cache/api-client-$GRPC

mkdir -p "$cache"
exec 9>"$cache/api-client.lock"
# Tests that begin at the same time wait for the one that makes it.
flock 9
if [ ! -e "$environment/complete" ]; then
    rm -rf "$environment"
    if ! {
        python3 -m venv "$environment" &&
            "$environment/bin/pip" install --quiet --disable-pip-version-check \
                grpcio==$GRPC grpcio-tools==$GRPC grpcio-reflection==$GRPC grpcio-health-checking==$GRPC
    } >"$environment.log" 2>&1; then
        echo "api-client.sh: cannot install grpcio: $(tail -n 1 "$environment.log")" >&2
        exit 3
    fi
    touch "$environment/complete"
fi
exec 9>&-
exec "$environment/bin/python" "$here/api-client.py" "$@"
