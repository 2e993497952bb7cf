#!/bin/bash
# Copyright the rkt-swift authors
# SPDX-License-Identifier: Apache-2.0

# Measures a pod that runs `true` under each backend, side by side, and those that have no kernel of their own against the
# same done by hand: systemd-nspawn and chroot.
#
# usage: bench-backends.sh
#
# BUILD is where rkt and the images are. RUNS (7) is how often each is measured, by turns.

set -euo pipefail
readonly here=$(dirname "$(realpath "$0")")
. "$here/bench/common.sh"
readonly RUNS=${RUNS:-7}
readonly image=$BUILD/images/busybox.aci guest=$BUILD/stage1/guest nspawn=$BUILD/stage1/guest/usr/bin/systemd-nspawn
backends=(kvm nspawn fly)
[ ! -e "$BUILD/libexec/rkt/libvirt-domain" ] || backends=(kvm libvirt nspawn fly)
need "$rkt" "$image" "$nspawn" "$BUILD"/stage1-{kvm,nspawn,fly}.aci
# A libvirt of its own.
if [[ " ${backends[*]} " = *" libvirt "* ]] && [ "${1:-}" != --with-libvirt ]; then
    exec "$here/../Tests/servers/libvirtd.sh" "$0" --with-libvirt
fi

scratch=$(mktemp -d "${TMPDIR:-/var/tmp}/rkt-bench.XXXXXXXX")
readonly log=$scratch/log data=$scratch/data libvirt=$scratch/libvirt
started=
trap '[ -z "$started" ] || kill "$started" 2>/dev/null
    for uuid in $(rkt list --no-legend --full 2>/dev/null | cut -f 1); do rkt stop --force "$uuid" >/dev/null 2>&1; done
    wait
    rkt gc --grace-period=0s --expire-prepared=0s >/dev/null 2>&1
    grep -q " $scratch/" /proc/mounts || rm -rf --one-file-system "$scratch"' EXIT
mkdir "$data" "$scratch/image" "$libvirt"{,/hypervisor.d}
echo '{"rktKind": "hypervisor", "rktVersion": "v1", "backend": "libvirt"}' >"$libvirt/hypervisor.d/libvirt.json"
cc -O2 -o "$scratch/measure" "$here/bench/measure.c"

rkt() {
    "$rkt" --dir="$data" --insecure-options=image "$@"
}

# start BACKEND UUID: the command that runs a prepared pod, with no network that takes time to make, in `command`.
start() {
    command=("$rkt" --dir="$data")
    case $1 in
    kvm) command+=(run-prepared --net=none) ;;
    libvirt) command+=(--user-config="$libvirt" run-prepared --net=none) ;;
    *) command+=(run-prepared --net=host) ;;
    esac
    command+=("$2")
}

# measure NAME COMMAND...: adds a line to the file of that name.
measure() {
    local line
    line=$(timeout -k 5 60 "$scratch/measure" - "${@:2}" 2>>"$log" </dev/null) || die "cannot measure '${*:2}'"
    [ "${line##* }" = 0 ] || die "'${*:2}' ended with status ${line##* }"
    echo "$line" >>"$scratch/$1.times"
}

# prepare BACKEND PROGRAM [ARGUMENT...]: a pod of the image.
prepare() {
    rkt prepare --stage1-path="$BUILD/stage1-${1/libvirt/kvm}.aci" "$image" --exec "$2" -- "${@:3}" 2>>"$log"
}

# family PID: it and all below it.
family() {
    local child
    echo "$1"
    for child in $(cat "/proc/$1/task"/*/children 2>/dev/null); do family "$child"; done
}

# memory NAME PID...: adds what processes and all below them share and have, in KiB, as proc(5) counts it.
memory() {
    local pid total=0 share
    for pid in $(for pid in "${@:2}"; do family "$pid"; done); do
        share=$(awk '$1 == "Pss:" { print $2 }' "/proc/$pid/smaps_rollup" 2>/dev/null) || continue
        total=$((total + ${share:-0}))
    done
    echo "$total" >>"$scratch/$1.memory"
}

# running MARK: waits until a process sleeps for so many seconds, here or in a container, and is all there is to come.
running() {
    local tries
    for ((tries = 0; tries < 600; tries++)); do
        ! pgrep -f "sleep $1\$" >/dev/null || return 0
        sleep 0.05
    done
    die "'sleep $1' is not there"
}

tar -x -C "$scratch/image" -f "$image"
readonly tree=$scratch/image/rootfs
# The userland of pods with a unit in place of their agent: what a manager takes to start, run one program and end.
cp -a "$guest" "$scratch/manager"
cp "$tree/bin/busybox" "$scratch/manager/usr/bin/true"
mkdir -p "$scratch/manager/etc/systemd/system"
cat >"$scratch/manager/etc/systemd/system/bench.service" <<'END'
[Unit]
DefaultDependencies=no
SuccessAction=exit-force
FailureAction=exit-force
[Service]
Type=oneshot
ExecStart=/usr/bin/true
END
readonly contained=("$nspawn" --quiet --register=no --keep-unit)

echo "bench: $RUNS runs of each kind" >&2
for backend in "${backends[@]}"; do
    uuid=$(prepare "$backend" /bin/true) || die "no pod of $backend can be prepared"
    start "$backend" "$uuid"
    "${command[@]}" >>"$log" 2>&1 || die "no pod of $backend runs"
    rkt rm "$uuid" >>"$log" 2>&1
done
for ((run = 1; run <= RUNS; run++)); do
    for backend in "${backends[@]}"; do
        uuid=$(prepare "$backend" /bin/true)
        start "$backend" "$uuid"
        measure "$backend" "${command[@]}"
        rkt rm "$uuid" >>"$log" 2>&1
    done
    measure by-nspawn "${contained[@]}" --directory="$tree" /bin/true
    measure by-manager "${contained[@]}" --directory="$scratch/manager" /usr/lib/systemd/systemd --unit=bench.service
    measure by-chroot chroot "$tree" /bin/true
done

for backend in "${backends[@]}"; do
    uuid=$(prepare "$backend" /bin/sleep 31415)
    start "$backend" "$uuid"
    "${command[@]}" >>"$log" 2>&1 &
    started=$!
    case $backend in
    fly) running 31415 ;;
    *) rkt status --wait-ready=2m "$uuid" >>"$log" 2>&1 ;;
    esac
    others=()
    [ "$backend" != libvirt ] || mapfile -t others < <(pgrep -f "guest=rkt-$uuid")
    memory "$backend" "$started" "${others[@]}"
    rkt stop --force "$uuid" >>"$log" 2>&1
    { wait "$started" || true; } 2>>"$log"
    started=
    rkt rm "$uuid" >>"$log" 2>&1
done
"${contained[@]}" --directory="$tree" /bin/sleep 31416 >>"$log" 2>&1 &
started=$!
running 31416
memory by-nspawn "$started"
kill "$started"
{ wait "$started" || true; } 2>>"$log"
chroot "$tree" /bin/sleep 31417 &
started=$!
running 31417
memory by-chroot "$started"
kill "$started"
{ wait "$started" || true; } 2>>"$log"
started=

# row WHAT NAME: median, least and most time, and memory.
row() {
    local memory=-
    [ ! -f "$scratch/$2.memory" ] || memory=$(awk '{ printf "%.1f", $1 / 1024 }' "$scratch/$2.memory")
    sort -n "$scratch/$2.times" | awk -v what="$1" -v memory="$memory" '
        { value[NR] = $1 / 1000 }
        END { printf "%-46s %9.1f %9.1f %9.1f %9s  %d\n", what, value[int((NR + 1) / 2)], value[1], value[NR], memory, NR }'
}

# against NAME BASE: how many times as long as the other.
against() {
    awk -v a="$(cut -d ' ' -f 1 "$scratch/$1.times" | median)" -v b="$(cut -d ' ' -f 1 "$scratch/$2.times" | median)" \
        'BEGIN { printf "%.2f", a / b }'
}

echo
echo "host with $(nproc) processors, load $(cut -d ' ' -f 1 /proc/loadavg)"
echo
printf '%-46s %9s %9s %9s %9s  %s\n' 'ms, and MiB while a pod sleeps' median min max memory runs
for backend in "${backends[@]}"; do row "run-prepared of a pod that runs true, $backend" "$backend"; done
row "systemd-nspawn by hand" by-nspawn
row "systemd-nspawn with a manager by hand" by-manager
row "chroot by hand" by-chroot
echo "nspawn / by hand $(against nspawn by-nspawn), with a manager $(against nspawn by-manager);" \
    "fly / by hand $(against fly by-chroot)   (medians)"
