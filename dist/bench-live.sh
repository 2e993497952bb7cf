#!/bin/bash
# Copyright the rkt-swift authors
# SPDX-License-Identifier: Apache-2.0

# Measures what happens to pods that run: an app that is added to one and started, against a pod of its own; a command beside
# an app; a client that is attached to one.
#
# usage: bench-live.sh
#
# BUILD is where rkt and the images are. RUNS (7) is how often each is measured, by turns; ROUNDS (200) how many lines a client
# exchanges with an app, FLOOD_MIB (64) what the app then sends it.

set -euo pipefail
readonly here=$(dirname "$(realpath "$0")")
. "$here/bench/common.sh"
readonly RUNS=${RUNS:-7} ROUNDS=${ROUNDS:-200} FLOOD_MIB=${FLOOD_MIB:-64}
readonly image=$BUILD/images/busybox.aci
need "$rkt" "$image" "$BUILD"/stage1-{kvm,nspawn}.aci

scratch=$(mktemp -d "${TMPDIR:-/var/tmp}/rkt-bench.XXXXXXXX")
readonly log=$scratch/log data=$scratch/data
trap 'for uuid in $(rkt list --no-legend --full 2>/dev/null | cut -f 1 | sort -u); do
        rkt stop --force "$uuid" >/dev/null 2>&1
    done
    wait
    rkt gc --grace-period=0s --expire-prepared=0s >/dev/null 2>&1
    grep -q " $scratch/" /proc/mounts || rm -rf --one-file-system "$scratch"' EXIT
mkdir "$data"
for program in measure exchange; do cc -O2 -o "$scratch/$program" "$here/bench/$program.c"; done

rkt() {
    "$rkt" --dir="$data" --insecure-options=image "$@"
}

# measure FILE TEXT COMMAND...: adds the line of bench/measure.c to the file of that name.
measure() {
    local line
    line=$(timeout -k 5 120 "$scratch/measure" "${@:2}" 2>>"$log" </dev/null) || die "cannot measure '${*:3}'"
    [ "${line##* }" = 0 ] || die "'${*:3}' ended with status ${line##* }"
    echo "$line" >>"$scratch/$1"
}

# row WHAT FILE COLUMN DIVISOR UNIT
row() {
    cut -d ' ' -f "$3" "$scratch/$2" | sort -n | awk -v what="$1" -v divisor="$4" -v unit="$5" '
        { value[NR] = $1 / divisor }
        END {
            printf "%-52s %9.1f %9.1f %9.1f %-6s %d\n", what, value[int((NR + 1) / 2)], value[1], value[NR], unit, NR
        }'
}

readonly id=$(rkt fetch "$image" 2>>"$log")
[ -n "$id" ] || die "the image cannot be fetched"

echo "bench-live: an app in a pod that runs, $RUNS times" >&2
for stage1 in kvm nspawn; do
    "$rkt" --dir="$data" --insecure-options=image app sandbox --net=none --stage1-path="$BUILD/stage1-$stage1.aci" \
        --uuid-file-save="$scratch/$stage1.uuid" >>"$log" 2>&1 </dev/null &
    for ((tries = 0; tries < 600; tries++)); do
        [ ! -s "$scratch/$stage1.uuid" ] || break
        sleep 0.1
    done
    uuid=$(cat "$scratch/$stage1.uuid")
    rkt status --wait-ready=2m "$uuid" >>"$log" 2>&1 || die "the sandbox of $stage1 is not ready"
    # The first of each is not measured: it renders the image's tree.
    rkt app add "$uuid" "$id" --name=beside --exec=/bin/sleep -- 86400 >>"$log" 2>&1 || die "no app can be added"
    rkt app start "$uuid" --app=beside >>"$log" 2>&1 || die "no app can be started"
    rkt run --net=none --stage1-path="$BUILD/stage1-$stage1.aci" "$image" --exec=/bin/true >>"$log" 2>&1 ||
        die "no pod of $stage1 runs"
    for ((run = 1; run <= RUNS; run++)); do
        measure "$stage1.add" - "$rkt" --dir="$data" app add "$uuid" "$id" --name="app$run" --exec=/bin/sleep -- 86400
        measure "$stage1.start" - "$rkt" --dir="$data" app start "$uuid" --app="app$run"
        [ "$(rkt app status "$uuid" --app="app$run" | sed -n 's/^state=//p')" = running ] || die "app$run does not run"
        measure "$stage1.rm" - "$rkt" --dir="$data" app rm "$uuid" --app="app$run"
        measure "$stage1.cold" the-app-runs "$rkt" --dir="$data" --insecure-options=image run --net=none \
            --stage1-path="$BUILD/stage1-$stage1.aci" "$image" --exec=/bin/echo -- the-app-runs
        measure "$stage1.enter" - "$rkt" --dir="$data" enter --app=beside "$uuid" /bin/true
    done
    paste -d ' ' "$scratch/$stage1.add" "$scratch/$stage1.start" | awk '{ print $1 + $6 }' >"$scratch/$stage1.both"
    rkt stop "$uuid" >>"$log" 2>&1
    wait

    echo "bench-live: an attached client, $stage1" >&2
    rm -f "$scratch/$stage1.uuid"
    "$rkt" --dir="$data" --insecure-options=image run --net=none --stage1-path="$BUILD/stage1-$stage1.aci" \
        --uuid-file-save="$scratch/$stage1.uuid" "$image" --stdin=stream --stdout=stream --exec=/bin/sh -- -c '
        while read -r line; do
            case $line in
            flood) dd if=/dev/zero bs=65536 count='$((FLOOD_MIB * 16))' 2>/dev/null; echo; echo end-of-flood ;;
            *) echo "$line" ;;
            esac
        done' >>"$log" 2>&1 </dev/null &
    for ((tries = 0; tries < 600; tries++)); do
        [ ! -s "$scratch/$stage1.uuid" ] || break
        sleep 0.1
    done
    uuid=$(cat "$scratch/$stage1.uuid")
    rkt status --wait-ready=2m "$uuid" >>"$log" 2>&1 || die "the pod of $stage1 is not ready"
    for ((run = 1; run <= RUNS; run++)); do
        timeout -k 5 300 "$scratch/exchange" "$ROUNDS" "$rkt" --dir="$data" attach --mode=stdin,stdout "$uuid" \
            >>"$scratch/$stage1.attach" 2>>"$log" || die "the client of $stage1 has failed"
    done
    rkt stop "$uuid" >>"$log" 2>&1
    wait
done

echo
echo "host with $(nproc) processors, load $(cut -d ' ' -f 1 /proc/loadavg)"
echo
printf '%-52s %9s %9s %9s %-6s %s\n' '' median min max '' runs
for stage1 in kvm nspawn; do
    row "$stage1: app add" "$stage1.add" 1 1000 ms
    row "$stage1: app start" "$stage1.start" 1 1000 ms
    row "$stage1: app add and app start" "$stage1.both" 1 1000 ms
    row "$stage1: rkt run to the app's first line" "$stage1.cold" 2 1000 ms
    row "$stage1: app rm of an app that runs" "$stage1.rm" 1 1000 ms
    row "$stage1: enter true" "$stage1.enter" 1 1000 ms
    row "$stage1: rkt attach to the first line that came back" "$stage1.attach" 1 1000 ms
    row "$stage1: a line to the app and back" "$stage1.attach" 2 1 us
    awk '{ print $3 / $4 }' "$scratch/$stage1.attach" >"$scratch/$stage1.rate"
    row "$stage1: output of an app through its client" "$stage1.rate" 1 1 MB/s
    awk -v all="$((FLOOD_MIB << 20))" '{ print 100 * $3 / all }' "$scratch/$stage1.attach" >"$scratch/$stage1.share"
    row "$stage1: of that, not left out" "$stage1.share" 1 1 %
    awk -v what="$stage1" -v live="$(median <"$scratch/$stage1.both")" \
        -v cold="$(cut -d ' ' -f 2 "$scratch/$stage1.cold" | median)" \
        'BEGIN { printf "%s: add and start / cold pod %.2f   (medians; aim at most 0.3)\n", what, live / cold }'
    echo
done
