#!/bin/bash
# Copyright the rkt-swift authors
# SPDX-License-Identifier: Apache-2.0

# Measures what the network of a pod passes on, against the same machine with a tap made by hand, and what a network adds
# to a pod's start.
#
# usage: bench-networks.sh
#
# BUILD is where rkt and the images are. RUNS (5) is how often everything is measured, by turns; SECONDS_EACH (2) how long
# bytes are sent in each direction, ECHOES (2000) how many bytes go there and back. All of it happens in a network of its
# own.

set -euo pipefail
if [ "${1:-}" != --in-network ]; then
    exec unshare --net --mount --propagation=private -- "$0" --in-network
fi
readonly here=$(dirname "$(realpath "$0")")
. "$here/bench/common.sh"
readonly RUNS=${RUNS:-5} SECONDS_EACH=${SECONDS_EACH:-2} ECHOES=${ECHOES:-2000}
readonly kernel=$BUILD/kernel/vmlinux
need "$rkt" "$BUILD/stage1-kvm.aci" "$kernel" "$BUILD/images/busybox.aci"
for tool in ip:iproute2 mkfs.erofs:erofs-utils qemu-system-x86_64:qemu-system-x86 unshare:util-linux; do
    command -v "${tool%:*}" >/dev/null || die "${tool%:*} not found, install the Debian package '${tool#*:}'"
done

scratch=$(mktemp -d "${TMPDIR:-/var/tmp}/rkt-bench.XXXXXXXX")
readonly log=$scratch/log data=$scratch/data
machine=
trap '[ -z "$machine" ] || kill "$machine" 2>/dev/null
    for uuid in $(rkt list --no-legend --full 2>/dev/null | cut -f 1); do rkt stop --force "$uuid" >/dev/null 2>&1; done
    wait
    rkt gc --grace-period=0s --expire-prepared=0s >/dev/null 2>&1
    grep -q " $scratch/" /proc/mounts || rm -rf --one-file-system "$scratch"' EXIT
mkdir -p "$data" "$scratch/server/rootfs" "$scratch/root"

rkt() {
    "$rkt" --dir="$data" --insecure-options=image "$@"
}

# Where networks are mounted, plugins keep addresses, and iptables its lock.
for place in /run /var/lib; do mount -t tmpfs none $place; done
ip link set lo up

cc -O2 -static -o "$scratch/stream" "$here/bench/stream.c"
cc -O2 -o "$scratch/measure" "$here/bench/measure.c"

# The same program is the pod's app and the first program of the machine made by hand.
cp "$scratch/stream" "$scratch/server/rootfs/stream"
cp "$scratch/stream" "$scratch/root/init"
mkfs.erofs --quiet --all-root "$scratch/bare.erofs" "$scratch/root" >>"$log" 2>&1
{
    printf '{"acKind":"ImageManifest","acVersion":"0.8.11","name":"example.com/stream","labels":['
    printf '{"name":"version","value":"1.0.0"},{"name":"os","value":"linux"},{"name":"arch","value":"amd64"}],'
    printf '"app":{"exec":["/stream","serve","5001"],"user":"0","group":"0"}}\n'
} >"$scratch/server/manifest"
rkt image build --compression=none "$scratch/server" "$scratch/server.aci" >>"$log" 2>&1 || die "no image can be built"
rkt fetch "$scratch/server.aci" >>"$log" 2>&1
for joint in tap macvtap; do
    mkdir -p "$scratch/$joint/hypervisor.d"
    printf '{"rktKind":"hypervisor","rktVersion":"v1","interfaces":"%s"}\n' $joint >"$scratch/$joint/hypervisor.d/joint.json"
done

# talk WHAT ADDRESS: notes what passes, in both directions, and there and back.
talk() {
    "$scratch/stream" send "$2" 5001 "$SECONDS_EACH" >>"$scratch/$1.in"
    "$scratch/stream" receive "$2" 5001 "$SECONDS_EACH" >>"$scratch/$1.out"
    "$scratch/stream" echo "$2" 5001 "$ECHOES" >>"$scratch/$1.echo"
}

# pod JOINT: a pod that serves, for as long as it is talked to.
pod() {
    local uuid address supervisor
    rm -f "$scratch/uuid"
    rkt --user-config="$scratch/$1" run --uuid-file-save="$scratch/uuid" "$scratch/server.aci" >>"$log" 2>&1 </dev/null &
    supervisor=$!
    until [ -s "$scratch/uuid" ]; do
        kill -0 $supervisor 2>/dev/null || die "a pod has not started"
        sleep 0.1
    done
    uuid=$(cat "$scratch/uuid")
    rkt status --wait-ready=2m "$uuid" >"$scratch/status" || die "a pod is not ready"
    address=$(sed -n 's/^networks=default:ip4=//p' "$scratch/status")
    cp "$data/pods/run/$uuid/machine.json" "$scratch/machine.json"
    talk "$1" "$address"
    rkt stop "$uuid" >>"$log"
    wait $supervisor || die "a pod has failed"
    rkt rm "$uuid" >>"$log" 2>&1
}

# by_hand: a machine as large as that of the pod, whose tap is in the host's network.
by_hand() {
    local memory processors accelerator accelerate
    memory=$(field memoryMiB "$scratch/machine.json") processors=$(field processors "$scratch/machine.json")
    accelerator=$(field accelerator "$scratch/machine.json")
    accelerate=$(accelerator_options "$accelerator")
    ip tuntap add dev tap0 mode tap
    ip address add 172.30.0.1/24 dev tap0
    ip link set tap0 up
    # shellcheck disable=SC2086
    qemu-system-x86_64 $(bare_machine "$memory" "$processors" "$scratch/bare.erofs") $accelerate \
        -netdev tap,id=eth0,ifname=tap0,script=no,downscript=no -device virtio-net-pci,netdev=eth0,romfile= \
        -kernel "$kernel" -append "$bare_parameters" >>"$log" 2>&1 </dev/null &
    machine=$!
    talk hand 172.30.0.2
    kill $machine
    wait $machine || :
    machine=
    ip link delete tap0
}

# start NETWORK: how long it takes to run true.
start() {
    local uuid line
    uuid=$(rkt prepare "$BUILD/images/busybox.aci" --exec /bin/true 2>>"$log") || die "prepare failed"
    line=$("$scratch/measure" - "$rkt" --dir="$data" run-prepared --net="$1" "$uuid" 2>>"$log" </dev/null)
    [ "${line##* }" = 0 ] || die "a pod has failed"
    echo "${line%% *}" >>"$scratch/start.$1"
    rkt rm "$uuid" >>"$log" 2>&1
}

echo "bench-networks: $RUNS runs of $SECONDS_EACH s in each direction, $ECHOES echoes" >&2
start none
rm "$scratch/start.none"
for ((run = 1; run <= RUNS; run++)); do
    pod tap
    pod macvtap
    by_hand
    start none
    start default
done

# ratio FILE BASELINE: the median of the quotients of runs that followed each other.
ratio() {
    paste "$scratch/$1" "$scratch/$2" | awk '{ print $1 / $2 }' | median
}

# line WHAT NAME UNIT
line() {
    printf '%-34s' "$1"
    for kind in hand tap macvtap; do printf ' %10.1f' "$(median <"$scratch/$kind.$2")"; done
    printf '  %-6s %6.2f %8.2f\n' "$3" "$(ratio "tap.$2" "hand.$2")" "$(ratio "macvtap.$2" "hand.$2")"
}

echo
echo "networks; accelerator $(field accelerator "$scratch/machine.json"), medians of $RUNS runs"
printf '%-34s %10s %10s %10s  %-6s %6s %8s\n' '' 'by hand' 'pod, tap' 'macvtap' '' tap/hand macvtap/hand
line "host to guest, TCP" in MiB/s
line "guest to host, TCP" out MiB/s
line "one byte there and back" echo us
echo
awk -v none="$(median <"$scratch/start.none")" -v net="$(median <"$scratch/start.default")" 'BEGIN {
    printf "run-prepared of true: without a network %.1f ms, on the network default %.1f ms, difference %.1f ms\n",
        none / 1000, net / 1000, (net - none) / 1000 }'
