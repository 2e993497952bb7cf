#!/bin/bash
# Copyright the rkt-swift authors
# SPDX-License-Identifier: Apache-2.0

# Measures what the API service takes to list many pods, beside `rkt list`.
#
# usage: bench-api.sh
#
# BUILD is where rkt and the images are, SWIFT_BIN (.build/release) where api-client is. PODS (1000) is how many pods there
# are, RUNS (20) how often they are listed.

set -euo pipefail
readonly here=$(dirname "$(realpath "$0")")
. "$here/bench/common.sh"
readonly PODS=${PODS:-1000} RUNS=${RUNS:-20}
readonly client=${SWIFT_BIN:-$here/../.build/release}/api-client image=$BUILD/images/busybox.aci
need "$rkt" "$BUILD/stage1-kvm.aci" "$image" "$BUILD/libexec/rkt/api-service" "$client"

scratch=$(mktemp -d "${TMPDIR:-/var/tmp}/rkt-bench.XXXXXXXX")
readonly log=$scratch/log data=$scratch/data
service=
trap 'if [ -n "$service" ]; then kill "$service" && wait "$service"; fi 2>/dev/null
    rm -rf --one-file-system "$scratch"' EXIT
cc -O2 -o "$scratch/measure" "$here/bench/measure.c"

rkt() {
    "$rkt" --dir="$data" --insecure-options=image "$@"
}

# measure COMMAND...: its time in microseconds.
measure() {
    local line
    line=$("$scratch/measure" - "$@" 2>>"$log" </dev/null) || die "cannot measure '$*'"
    [ "${line##* }" = 0 ] || die "'$*' ended with status ${line##* }"
    echo "${line%% *}"
}

# One pod is prepared, and the others are copies of its directory: they are listed as it is.
echo "bench-api: $PODS pods" >&2
first=$(rkt prepare "$image" 2>>"$log") || die "prepare has failed"
for ((index = 1; index < PODS; index++)); do
    # Roots do not matter here.
    other=$(cat /proc/sys/kernel/random/uuid)
    mkdir "$data/pods/prepared/$other"
    (cd "$data/pods/prepared/$first" && cp -a pod appsinfo "$data/pods/prepared/$other")
    [ ! -e "$data/pods/prepared/$first/stage1/manifest" ] || {
        mkdir "$data/pods/prepared/$other/stage1"
        cp -a "$data/pods/prepared/$first/stage1/manifest" "$data/pods/prepared/$other/stage1"
    }
done
[ "$(rkt list --no-legend | grep -c $'\tprepared\t')" = "$PODS" ] || die "there are not $PODS pods"

# serve: starts a service at the socket, which has read nothing yet.
serve() {
    : >"$scratch/service"
    # Not the function, whose process would be a shell's.
    "$rkt" --dir="$data" api-service --listen="unix:$scratch/socket" 2>"$scratch/service" &
    service=$!
    for ((try = 0; try < 600; try++)); do
        ! grep -q 'API service running' "$scratch/service" || return 0
        kill -0 "$service" 2>/dev/null || die "the service has ended: $(cat "$scratch/service")"
        sleep 0.1
    done
    die "the service has not started in a minute"
}

# resident: KiB of the service.
resident() { sed -n 's/^VmRSS:[[:space:]]*\([0-9]*\) kB$/\1/p' "/proc/$service/status"; }

serve
readonly idle=$(resident)
call() { "$client" --address="unix:$scratch/socket" "$@"; }
count=$(call ListPods '{"detail":true}' | tr ',' '\n' | grep -c '"state":"POD_STATE_PREPARED"') || true
[ "$count" = "$PODS" ] || die "the service lists $count of $PODS pods"
for ((run = 0; run < RUNS; run++)); do
    measure "$rkt" --dir="$data" list >>"$scratch/list"
    measure "$rkt" --dir="$data" list --format=json >>"$scratch/list-json"
    # A program that begins, lists and ends, as a command does.
    measure "$client" --address="unix:$scratch/socket" ListPods >>"$scratch/program"
done
call --repeat="$RUNS" ListPods >"$scratch/plain"
call --repeat="$RUNS" ListPods '{"detail":true}' >"$scratch/detail"
call --repeat="$RUNS" ListPods '{"filters":[{"states":["POD_STATE_RUNNING"]}]}' >"$scratch/none"
call --repeat="$RUNS" ListPods '{"filters":[{"ids":["'"$first"'"]}]}' >"$scratch/one"
readonly loaded=$(resident)

# line WHAT FILE
line() {
    sort -n "$scratch/$2" | awk -v what="$1" '{ value[NR] = $1 / 1000 } END {
        printf "%-56s %9.1f ms  %9.1f to %.1f\n", what, value[int((NR + 1) / 2)], value[1], value[NR] }'
}

echo
echo "$PODS prepared pods, medians of $RUNS runs and the extremes"
line "rkt list" list
line "rkt list --format=json" list-json
line "a program that calls ListPods" program
line "ListPods on an open connection" plain
line "ListPods with details" detail
line "ListPods of running pods, of which there are none" none
line "ListPods of one ID" one
printf '%-56s %9.1f MiB, %.1f MiB before the first call\n' "memory of the service" \
    "$((loaded / 1024)).$((loaded % 1024 * 10 / 1024))" "$((idle / 1024)).$((idle % 1024 * 10 / 1024))"
