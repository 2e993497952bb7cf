#!/bin/bash
# Copyright the rkt-swift authors
# SPDX-License-Identifier: Apache-2.0

# Measures a pod against the machine it runs in, the start of rkt itself, and the memory that reading an image takes.
#
# usage: bench.sh
#
# BUILD is where rkt and the images are. RUNS (5) is how often each kind of machine is started, STARTS (20) how often
# `rkt version` is, FETCHES (3) how often the large image is read; IMAGE_MIB (1024) is its size.

set -euo pipefail
readonly here=$(dirname "$(realpath "$0")")
. "$here/bench/common.sh"
readonly RUNS=${RUNS:-5} STARTS=${STARTS:-20} FETCHES=${FETCHES:-3} IMAGE_MIB=${IMAGE_MIB:-1024}
readonly image=$BUILD/images/busybox.aci kernel=$BUILD/kernel/vmlinux
need "$rkt" "$BUILD/stage1-kvm.aci" "$image" "$kernel"

for tool in mkfs.erofs:erofs-utils qemu-system-x86_64:qemu-system-x86; do
    command -v "${tool%:*}" >/dev/null || die "${tool%:*} not found, install the Debian package '${tool#*:}'"
done

scratch=$(mktemp -d "${TMPDIR:-/var/tmp}/rkt-bench.XXXXXXXX")
readonly log=$scratch/log data=$scratch/data
trap '"$rkt" --dir="$data" gc --grace-period=0s --expire-prepared=0s >/dev/null 2>&1
    grep -q " $scratch/" /proc/mounts || rm -rf --one-file-system "$scratch"' EXIT
mkdir "$data" "$scratch/root"

cc -O2 -o "$scratch/measure" "$here/bench/measure.c"
cc -O2 -o "$scratch/noise" "$here/bench/noise.c"
cc -Os -static -o "$scratch/root/init" "$here/bench/init.c"
mkfs.erofs --quiet --all-root "$scratch/bare.erofs" "$scratch/root" >>"$log" 2>&1

# measure TEXT COMMAND...: the line that measure prints, after checking the command's status.
measure() {
    local line
    line=$("$scratch/measure" "$@" 2>>"$log" </dev/null) || die "cannot measure '${*:2}'"
    [ "${line##* }" = 0 ] || die "'${*:2}' ended with status ${line##* }"
    echo "$line"
}

# figures FILE COLUMN: median, minimum and maximum of a column.
figures() {
    awk -v column="$2" '{ print $column }' "$1" | sort -n | awk '
        { value[NR] = $1 }
        END { print NR % 2 ? value[(NR + 1) / 2] : (value[NR / 2] + value[NR / 2 + 1]) / 2, value[1], value[NR] }'
}

# row WHAT FILE COLUMN DIVISOR UNIT
row() {
    local values
    values=$(figures "$2" "$3")
    [ $# -lt 6 ] || eval "$6=\${values%% *}"
    awk -v what="$1" -v divisor="$4" -v unit="$5" -v count="$(wc -l <"$2")" '{
        printf "%-42s %9.1f %9.1f %9.1f  %-3s %d\n", what, $2 / divisor, $1 / divisor, $3 / divisor, unit, count
    }' <<<"$values"
}

rkt() {
    "$rkt" --dir="$data" --insecure-options=image "$@"
}

# A pod of the busybox image, and its directory once it has run.
prepare() {
    rkt prepare "$image" --exec "$1" -- "${@:2}" 2>>"$log"
}
directory_of() {
    echo "$data/pods/run/$1"
}

# phases LEDGER MEASURED: how long each phase of a pod's run took. A guest's clock begins with its kernel, whose place on
# the host's clock follows from the moment at which the shim's first message was sent and came in.
readonly phase_names=(stage0 VMM kernel shim systemd app teardown)
phases() {
    awk -v origin="$(field origin "$1")" -v hello="$(field hello "$1")" -v ended="$(field exit "$1" | head -n 1)" \
        -v kernel="$(field guest.kernel "$1")" -v shim="$(field guest.shim "$1")" -v agent="$(field guest.agent "$1")" '{
            stage0 = origin - $4
            start = hello - kernel
            print stage0, start, kernel, shim - kernel, agent - shim, ended - start - agent, $1 - stage0 - ended
        }' "$2"
}

# The first pod also renders the images; it tells what machine the bare one has to be like.
uuid=$(prepare /bin/true) || die "prepare failed"
measure - "$rkt" --dir="$data" run-prepared --net=none "$uuid" >/dev/null
machine=$(directory_of "$uuid")/machine.json
memory=$(field memoryMiB "$machine") processors=$(field processors "$machine")
accelerator=$(field accelerator "$machine")
[ -n "$memory" ] && [ -n "$processors" ] && [ -n "$accelerator" ] || die "$machine does not describe the machine"
rkt rm "$uuid" >>"$log" 2>&1

# shellcheck disable=SC2206
bare=(
    qemu-system-x86_64 $(bare_machine "$memory" "$processors" "$scratch/bare.erofs") $(accelerator_options "$accelerator")
    -kernel "$kernel" -append "$bare_parameters"
)
measure - "${bare[@]}" >/dev/null

echo "bench: $RUNS runs of each kind of machine, $processors vCPU, $memory MiB, accelerator $accelerator" >&2
for ((run = 1; run <= RUNS; run++)); do
    measure - "${bare[@]}" >>"$scratch/bare"

    uuid=$(prepare /bin/true)
    measure - "$rkt" --dir="$data" run-prepared --net=none "$uuid" >"$scratch/pod.last"
    cat "$scratch/pod.last" >>"$scratch/pod"
    cp "$(directory_of "$uuid")/start-up.json" "$scratch/start-up.$run.json"
    phases "$scratch/start-up.$run.json" "$scratch/pod.last" >>"$scratch/phases"
    rkt rm "$uuid" >>"$log" 2>&1

    uuid=$(prepare /bin/echo first-line-of-the-app)
    measure first-line-of-the-app "$rkt" --dir="$data" run-prepared --net=none "$uuid" >>"$scratch/line"
    rkt rm "$uuid" >>"$log" 2>&1
    ! grep -q ' - ' "$scratch/line" || die "the app's line has not come out"
done
for ((run = 1; run <= STARTS; run++)); do
    measure - "$rkt" version >>"$scratch/version"
done

echo "bench: reading an image of $IMAGE_MIB MiB" >&2
mkdir -p "$scratch/large/rootfs"
cat >"$scratch/large/manifest" <<'END'
{ "acKind": "ImageManifest", "acVersion": "0.8.11", "name": "example.com/large" }
END
"$scratch/noise" "$IMAGE_MIB" >"$scratch/large/rootfs/noise"
tar -c --format=ustar --owner=0 --group=0 -C "$scratch/large" -f "$scratch/large.aci" manifest rootfs
rm -r "$scratch/large"
for ((run = 1; run <= FETCHES; run++)); do
    measure - "$rkt" --dir="$scratch/fetched" --insecure-options=image fetch "$scratch/large.aci" >>"$scratch/fetch"
    rm -r "$scratch/fetched"
done

echo
echo "accelerator $accelerator, $processors vCPU, $memory MiB; kernel $(cat "$BUILD/kernel/release" 2>/dev/null);" \
    "$(qemu-system-x86_64 --version | sed -n '1s/^QEMU emulator version \([^ ]*\).*/QEMU \1/p');" \
    "host with $(nproc) processors, load $(cut -d ' ' -f 1 /proc/loadavg)"
echo
printf '%-42s %9s %9s %9s  %-3s %s\n' '' min median max '' runs
row "(a) bare machine, start to power-off" "$scratch/bare" 1 1000 ms a
row "(b) run-prepared of a pod that runs true" "$scratch/pod" 1 1000 ms b
row "(c) run-prepared to the app's first line" "$scratch/line" 2 1000 ms c
awk -v a="$a" -v b="$b" -v c="$c" 'BEGIN { printf "b/a %.2f   c/a %.2f   (medians)\n", b / a, c / a }'

echo
echo "phases of (b), which add up to it"
for index in "${!phase_names[@]}"; do
    row "    ${phase_names[index]}" "$scratch/phases" $((index + 1)) 1000 ms
done
echo
echo "moments of (b): from the supervisor's start, guest.* from the start of the guest's kernel"
for name in $(tr '{},' '\n' <"$scratch/start-up.1.json" | sed -n 's/^ *"\([a-z.-]*\)" *:.*/\1/p' | awk '$0 != "origin" && !seen[$0]++'); do
    for ((run = 1; run <= RUNS; run++)); do
        field "$name" "$scratch/start-up.$run.json" | head -n 1
    done >"$scratch/moment"
    [ ! -s "$scratch/moment" ] || row "    $name" "$scratch/moment" 1 1000 ms
done
echo
row "rkt version, start to end" "$scratch/version" 1 1000 ms
row "rkt fetch of $IMAGE_MIB MiB, time" "$scratch/fetch" 1 1000000 s
row "rkt fetch of $IMAGE_MIB MiB, largest resident set" "$scratch/fetch" 3 1024 MiB
