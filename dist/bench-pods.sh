#!/bin/bash
# Copyright the rkt-swift authors
# SPDX-License-Identifier: Apache-2.0

# Measures many pods, the files of one, and the memory that one takes.
#
# usage: bench-pods.sh
#
# BUILD is where rkt and the images are. PODS (1000) is how many pods have run; RUNS (5) how often they are listed; FILES
# (5000) and FILE_MIB (256) are what a tree holds that apps and the host walk through and read.

set -euo pipefail
readonly here=$(dirname "$(realpath "$0")")
. "$here/bench/common.sh"
readonly PODS=${PODS:-1000} RUNS=${RUNS:-5} FILES=${FILES:-5000} FILE_MIB=${FILE_MIB:-256}
readonly image=$BUILD/images/busybox.aci
need "$rkt" "$BUILD/stage1-kvm.aci" "$image"

scratch=$(mktemp -d "${TMPDIR:-/var/tmp}/rkt-bench.XXXXXXXX")
readonly log=$scratch/log data=$scratch/data
pod=
trap 'if [ -n "$pod" ]; then kill "$pod" && wait "$pod"; fi 2>/dev/null
    "$rkt" --dir="$data" gc --grace-period=0s --expire-prepared=0s >/dev/null 2>&1
    grep -q " $scratch/" /proc/mounts || rm -rf --one-file-system "$scratch"' EXIT
mkdir "$data"
cc -O2 -o "$scratch/measure" "$here/bench/measure.c"
cc -O2 -o "$scratch/noise" "$here/bench/noise.c"

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

# figure WHAT MICROSECONDS [AIM]
figure() {
    awk -v what="$1" -v time="$2" -v aim="${3:-}" 'BEGIN { printf "%-56s %9.1f ms  %s\n", what, time / 1000, aim }'
}

# --- Many pods ---------------------------------------------------------------------------------------------------

# Their stage1 ends at once, so that a thousand of them need no thousand machines.
mkdir -p "$scratch/stage1/rootfs"
printf '#!/bin/sh\nexit 0\n' | install -m 0755 /dev/stdin "$scratch/stage1/rootfs/end"
{
    printf '{"acKind":"ImageManifest","acVersion":"0.8.11","name":"example.com/stage1-that-ends","labels":['
    printf '{"name":"version","value":"1.0.0"},{"name":"os","value":"linux"},{"name":"arch","value":"amd64"}],'
    printf '"annotations":['
    printf '{"name":"coreos.com/rkt/stage1/%s","value":"/end"},' run enter gc stop
    printf '{"name":"coreos.com/rkt/stage1/interface-version","value":"5"}]}\n'
} >"$scratch/stage1/manifest"
rkt image build --compression=none "$scratch/stage1" "$scratch/stage1.aci" >>"$log" 2>&1 || die "stage1 cannot be built"

echo "bench-pods: $PODS pods" >&2
for ((index = 0; index < PODS; index++)); do
    rkt run --net=none --stage1-path="$scratch/stage1.aci" "$image" >>"$log" 2>&1 || die "pod $index has failed"
done
[ "$(rkt list --no-legend | grep -c $'\texited\t')" = "$PODS" ] || die "not all of the $PODS pods have ended"
for ((run = 0; run < RUNS; run++)); do
    measure "$rkt" --dir="$data" list >>"$scratch/list"
    measure "$rkt" --dir="$data" list --format=json >>"$scratch/list-json"
done
readonly list=$(median <"$scratch/list") list_json=$(median <"$scratch/list-json")
collect=$(measure "$rkt" --dir="$data" gc --grace-period=0s)
[ -z "$(rkt list --no-legend)" ] || die "gc has left pods"

# --- Files -------------------------------------------------------------------------------------------------------

echo "bench-pods: $FILES files and $FILE_MIB MiB" >&2
rkt fetch "$image" >>"$log" 2>&1
rkt image extract --rootfs-only --overwrite example.com/busybox "$scratch/root" >>"$log" 2>&1 || die "no busybox"
mkdir -p "$scratch/tree/small"
for ((index = 0; index < FILES; index++)); do
    ((index % 100)) || mkdir "$scratch/tree/small/$((index / 100))"
    echo "$index" >"$scratch/tree/small/$((index / 100))/$index"
done
"$scratch/noise" "$FILE_MIB" >"$scratch/tree/large"
mkdir "$scratch/image"
cp -a "$scratch/root" "$scratch/image/rootfs"
cp -a "$scratch/tree" "$scratch/image/rootfs/tree"
printf '{"acKind":"ImageManifest","acVersion":"0.8.11","name":"example.com/tree","labels":[%s],"app":%s}\n' \
    '{"name":"version","value":"1.0.0"},{"name":"os","value":"linux"},{"name":"arch","value":"amd64"}' \
    '{"exec":["/bin/sh"],"user":"0","group":"0"}' >"$scratch/image/manifest"
rkt image build --compression=none "$scratch/image" "$scratch/tree.aci" >>"$log" 2>&1 || die "no image of a tree"
rm -r "$scratch/image"

# The same script by the same busybox everywhere; /proc/uptime counts hundredths of a second.
cat >"$scratch/walk.sh" <<'END'
now() { read -r up rest </proc/uptime; echo "${up%.*}${up#*.}"; }
for what in $*; do
    for turn in first second; do
        start=$(now)
        find "$what/small" -type f -exec stat -c %s {} + >/dev/null
        end=$(now)
        echo "walk $what $turn $((end - start))"
        start=$(now)
        dd if="$what/large" of=/dev/null bs=1M 2>/dev/null
        end=$(now)
        echo "read $what $turn $((end - start))"
    done
done
END
sync -f "$scratch"
echo 3 >/proc/sys/vm/drop_caches 2>/dev/null || true
"$scratch/root/bin/busybox" sh "$scratch/walk.sh" "$scratch/tree" | sed "s, $scratch/tree , host ," >"$scratch/walks"
# walk TRANSPORT PLACE...: in a pod whose volume is shared in that way.
walk() {
    mkdir -p "$scratch/$1/hypervisor.d"
    printf '{"rktKind":"hypervisor","rktVersion":"v1","volumes":"%s"}\n' "$1" >"$scratch/$1/hypervisor.d/volumes.json"
    rkt --user-config="$scratch/$1" run --net=none --volume=v,kind=host,source="$scratch/tree",readOnly=true "$scratch/tree.aci" \
        --mount=volume=v,target=/volume --exec /bin/sh -- -c "$(cat "$scratch/walk.sh")" sh "${@:2}" 2>>"$log" |
        sed -n -e "s, /volume , $1 ," -e 's,^.*: \(\(walk\|read\) .*\)$,\1,p' | tr -d '\r' >>"$scratch/walks"
}
walk 9p /tree /volume
walk virtiofs /volume
[ "$(wc -l <"$scratch/walks")" = 16 ] || die "the pods have not walked: $(cat "$scratch/walks")"

# --- Memory ------------------------------------------------------------------------------------------------------

# resident: KiB that the pod's processes take of the host's memory, what they share with others in proportion.
resident() {
    local next="$pod" all=
    while [ -n "$next" ]; do
        all="$all $next"
        next=$(for parent in $next; do cat /proc/"$parent"/task/*/children 2>/dev/null; done | tr '\n' ' ')
        next=${next%% }
    done
    for process in $all; do
        awk '$1 == "Pss:" { print $2 }' "/proc/$process/smaps_rollup" 2>/dev/null || true
    done | awk '{ sum += $1 } END { print sum + 0 }'
}

echo "bench-pods: memory" >&2
# Without the function, so that $! is the pod's supervisor and no shell.
"$rkt" --dir="$data" --insecure-options=image run --net=none --uuid-file-save="$scratch/uuid" "$image" --memory=512M \
    --exec /bin/sleep -- 100000 >>"$log" 2>&1 &
pod=$!
for ((tries = 0; tries < 300; tries++)); do
    [ ! -s "$scratch/uuid" ] || break
    sleep 0.1
done
rkt status --wait-ready=2m "$(cat "$scratch/uuid")" >>"$log" 2>&1 || die "the pod is not ready"
in_pod() {
    rkt enter "$(cat "$scratch/uuid")" /bin/sh -c "$1" >>"$log" 2>&1 || die "'$1' failed in the pod"
}
in_pod true
readonly idle=$(resident)
in_pod 'dd if=/dev/zero of=/dev/shm/block bs=1M count=200'
readonly full=$(resident)
in_pod 'rm /dev/shm/block'
# The guest's kernel tells of free pages every two seconds.
freed=$full
for ((tries = 0; tries < 60; tries++)); do
    freed=$(resident)
    ((freed - idle > (full - idle) / 20)) || break
    sleep 0.5
done
kill "$pod"
wait "$pod" || true
pod=

# --- Figures -----------------------------------------------------------------------------------------------------

echo
echo "$PODS pods that have ended; host with $(nproc) processors, load $(cut -d ' ' -f 1 /proc/loadavg)"
figure "rkt list" "$list" "aim 200 ms"
figure "rkt list --format=json" "$list_json"
figure "rkt gc, each pod" $((collect / PODS))
echo
echo "$FILES files walked through with stat, and $FILE_MIB MiB read, in seconds"
printf '%-32s %10s %10s %10s %10s\n' '' 'walk' 'again' 'read' 'again'
for place in host /tree 9p virtiofs; do
    case $place in
    host) name="host" ;;
    /tree) name="root of an app" ;;
    *) name="volume over $place" ;;
    esac
    printf '%-32s' "$name"
    for what in walk read; do
        for turn in first second; do
            awk -v key="$what $place $turn" '$1 " " $2 " " $3 == key { printf " %10.2f", $4 / 100 }' "$scratch/walks"
        done
    done
    echo
done
echo
echo "proportional set size of all processes of a pod, guest of 512 MiB for its app"
awk -v idle="$idle" -v full="$full" -v freed="$freed" 'BEGIN {
    printf "%-56s %9.1f MiB\n", "idle", idle / 1024
    printf "%-56s %9.1f MiB\n", "with 200 MiB in use in the guest", full / 1024
    printf "%-56s %9.1f MiB\n", "after they are free again", freed / 1024
    printf "%-56s %9.0f %%\n", "what came back", (full > idle ? 100 * (full - freed) / (full - idle) : 0)
}'
