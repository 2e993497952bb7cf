#!/bin/bash
# Copyright the rkt-swift authors
# SPDX-License-Identifier: Apache-2.0

# Measures the image store against the tools that do the same work: sha512sum and tar.
#
# usage: bench-images.sh
#
# BUILD is where rkt is. RUNS (5) is how often each command is run, by turns, so that whatever else the host does falls on
# all of them alike; IMAGE_MIB (1024) is the size of the large image, IMAGES (5000) the number of small ones.
#
# What rkt reports as done is on disk; tar and sha512sum are therefore followed by `sync -f` of their file system. Their
# times without it are shown as well.

set -euo pipefail
readonly here=$(dirname "$(realpath "$0")")
. "$here/bench/common.sh"
readonly RUNS=${RUNS:-5} IMAGE_MIB=${IMAGE_MIB:-1024} IMAGES=${IMAGES:-5000}
need "$rkt"

scratch=$(mktemp -d "${TMPDIR:-/var/tmp}/rkt-bench.XXXXXXXX")
readonly log=$scratch/log data=$scratch/data image=$scratch/large.aci stage1=$scratch/stage1.aci
trap 'rm -rf --one-file-system "$scratch"' EXIT

chmod 0755 "$scratch"
# Root's fetch renders too; another user's imports and no more.
install -m 0755 "$rkt" "$scratch/rkt"
readonly import=(setpriv --reuid=65534 --regid=65534 --clear-groups "$scratch/rkt" --insecure-options=image)

cc -O2 -o "$scratch/measure" "$here/bench/measure.c"
cc -O2 -o "$scratch/noise" "$here/bench/noise.c"

# take ROW COMMAND...: runs a command with nothing waiting to be written, and notes what it took.
take() {
    local line
    sync -f "$scratch"
    line=$("$scratch/measure" - "${@:2}" 2>>"$log" </dev/null) || die "cannot measure '${*:2}'"
    [ "${line##* }" = 0 ] || die "'${*:2}' ended with status ${line##* }"
    echo "$line" >>"$scratch/times.$1"
}

# column_median ROW COLUMN
column_median() {
    awk -v column="$2" '{ print $column }' "$scratch/times.$1" | sort -n |
        awk '{ value[NR] = $1 } END { print value[int((NR + 1) / 2)] }'
}

# row WHAT ROW: median, minimum and maximum of the time, and of the memory if the command is one process.
row() {
    awk '{ print $1 }' "$scratch/times.$2" | sort -n | awk -v what="$1" -v memory="${3:+$(column_median "$2" 3)}" '
        { value[NR] = $1 / 1000 }
        END {
            printf "%-52s %9.1f %9.1f %9.1f  ms", what, value[int((NR + 1) / 2)], value[1], value[NR]
            if (memory != "") printf "  %6.1f MiB", memory / 1024
            print ""
        }'
}

# ratio WHAT ROW BASELINE AIM: the median of the quotients of runs that followed each other.
ratio() {
    paste -d ' ' "$scratch/times.$2" "$scratch/times.$3" | awk '{ print $1 / $6 }' | sort -n | awk -v what="$1" -v aim="$4" '
        { value[NR] = $1 }
        END { printf "%-52s %9.2f %9.2f %9.2f  %s\n", what, value[int((NR + 1) / 2)], value[1], value[NR], aim }'
}

# Commands write into new directories, which are emptied of data only. A file system that has just got inodes back may
# take much longer to give out others (ext4 does), and that would fall on whoever comes next.
new() {
    out=$scratch/$1.$run
    mkdir "$out"
}
emptied() {
    find "$out" -type f -size +0 -exec truncate -s 0 {} +
}

manifest() {
    printf '{"acKind":"ImageManifest","acVersion":"0.8.11","name":"example.com/%s","labels":[' "$1"
    printf '{"name":"version","value":"1.0.0"},{"name":"os","value":"linux"},{"name":"arch","value":"amd64"}],%s}\n' "$2"
}
readonly app='"app":{"exec":["/app"],"user":"0","group":"0"}'

rkt() {
    "$rkt" --dir="$data" --insecure-options=image "$@"
}

echo "bench-images: making an image of $IMAGE_MIB MiB" >&2
mkdir -p "$scratch/large/rootfs/large" "$scratch/large/rootfs/small" "$scratch/stage1/rootfs"
"$scratch/noise" $((IMAGE_MIB * 200 / 205 + 1)) | split -b $((IMAGE_MIB * 5120)) -a 4 - "$scratch/large/rootfs/large/"
"$scratch/noise" $((IMAGE_MIB / 41 + 1)) | split -b $((IMAGE_MIB * 5)) -a 4 - "$scratch/large/rootfs/small/"
manifest large "$app" >"$scratch/large/manifest"
tar -c --owner=0 --group=0 -C "$scratch/large" -f "$image" manifest rootfs
gzip -1 -c "$image" >"$image.gz"
echo "$(find "$scratch/large" -type f | wc -l) files, $(stat -c %s "$image") bytes" >"$scratch/what"
out=$scratch/large
emptied
entrypoints=$(printf '{"name":"coreos.com/rkt/stage1/%s","value":"/x"},' run enter gc stop)
manifest stage1 "\"annotations\":[$entrypoints{\"name\":\"coreos.com/rkt/stage1/interface-version\",\"value\":\"5\"}]" \
    >"$scratch/stage1/manifest"
tar -c --owner=0 --group=0 -C "$scratch/stage1" -f "$stage1" manifest rootfs
rkt image list >>"$log"

echo "bench-images: $RUNS runs" >&2
mkfifo "$scratch/pipe"
# Shell commands that get a file, a directory and a pipe: the sum of an image and its contents, in one pass.
readonly sum_plain='sha512sum <"$3" >"$2/sum" & tee "$3" <"$1" | tar -x -C "$2" && wait $!'
readonly sum_gzip='sha512sum <"$3" >"$2/sum" & gzip -dc "$1" | tee "$3" | tar -x -C "$2" && wait $!'

for ((run = 1; run <= RUNS; run++)); do
    new sum
    take sum bash -o pipefail -c "$sum_plain" - "$image" "$out" "$scratch/pipe"
    emptied
    new sum-sync
    take sum-sync bash -o pipefail -c "$sum_plain && sync -f \"\$2\"" - "$image" "$out" "$scratch/pipe"
    emptied
    new store
    chown 65534 "$out"
    take fetch "${import[@]}" --dir="$out" fetch "$image"
    chown -R 0:0 "$out"
    store=$out

    new tar
    take tar tar -x -C "$out" -f "$image"
    emptied
    new tar-sync
    take tar-sync bash -c 'tar -x -C "$2" -f "$1" && sync -f "$2"' - "$image" "$out"
    emptied
    # The stage1 image holds nothing: what is left is the start of rkt and the rendering of the large one.
    take render "$rkt" --dir="$store" --insecure-options=image prepare --stage1-path="$stage1" example.com/large
    out=$store
    emptied
done
run=gzip
new sum-sync
take gzip-sum-sync bash -o pipefail -c "$sum_gzip && sync -f \"\$2\"" - "$image.gz" "$out" "$scratch/pipe"
emptied
new store
chown 65534 "$out"
take gzip-fetch "${import[@]}" --dir="$out" fetch "$image.gz"
emptied
rm "$image" "$image.gz"

echo "bench-images: importing $IMAGES images" >&2
mkdir -p "$scratch/small/rootfs" "$scratch/files"
files=()
for ((number = 1; number <= IMAGES; number++)); do
    manifest "small-$number" "$app" >"$scratch/small/manifest"
    files+=("$scratch/files/$number.aci")
    tar -c --owner=0 --group=0 -C "$scratch/small" -f "${files[-1]}" manifest rootfs
    if ((${#files[@]} == 500 || number == IMAGES)); then
        take import-many "$rkt" --dir="$data" --insecure-options=image fetch "${files[@]}"
        files=()
    fi
done
for ((run = 1; run <= RUNS; run++)); do
    take list "$rkt" --dir="$data" image list
    take list-json "$rkt" --dir="$data" image list --format=json
    take version "$rkt" version
done
[ "$(rkt image list --no-legend | wc -l)" = "$IMAGES" ] || die "not all of the $IMAGES images are listed"

echo
echo "$(cat "$scratch/what"); $(stat -f -c %T "$scratch"), host with $(nproc) processors," \
    "load $(cut -d ' ' -f 1 /proc/loadavg)"
echo
printf '%-52s %9s %9s %9s  %2s  %s\n' '' median min max '' 'resident set'
row 'sha512sum and tar -x, one pipe' sum
row 'sha512sum and tar -x, one pipe, sync -f' sum-sync
row 'rkt fetch' fetch memory
row 'tar -x' tar
row 'tar -x, sync -f' tar-sync
row 'rkt prepare, which renders' render memory
row 'gzip -d, sha512sum and tar -x, one pipe, sync -f' gzip-sum-sync
row 'rkt fetch of the same, compressed with gzip' gzip-fetch memory
row "rkt fetch of 500 images (of $IMAGES)" import-many memory
row "rkt image list, $IMAGES images" list memory
row "rkt image list --format=json, $IMAGES images" list-json memory
row 'rkt version' version memory
echo
ratio 'fetch / sha512sum and tar -x, both on disk' fetch sum-sync 'aim 1.2'
ratio 'fetch / sha512sum and tar -x without sync' fetch sum ''
ratio 'render / tar -x, both on disk' render tar-sync 'aim 1.1'
ratio 'render / tar -x without sync' render tar ''
ratio 'fetch / the same by tools, gzip' gzip-fetch gzip-sum-sync ''
awk -v time="$(column_median list 1)" 'BEGIN { printf "%-52s %9.1f ms                    aim 100 ms\n", "image list", time / 1000 }'
