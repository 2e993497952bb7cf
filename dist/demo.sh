#!/bin/bash
# Copyright the rkt-swift authors
# SPDX-License-Identifier: Apache-2.0

# Runs redis in a pod, talks to it, stops it, and looks for anything that is left.
#
# usage: demo.sh
#
# BUILD is where rkt and the images are. Nothing outside a scratch directory and a network of its own is touched.

set -uo pipefail
export LC_ALL=C
BUILD=$(realpath "${BUILD:-$(dirname "$0")/../build}")
export BUILD
readonly BUILD
readonly rkt=$BUILD/rkt image=$BUILD/images/redis.aci

supervisor='' uuid='' scratch=''

# Never leaves a pod behind, whatever went wrong.
cleanup() {
    local status=$?
    trap - EXIT
    [ -n "$scratch" ] || exit $status
    if [ -n "$supervisor" ] && kill -0 "$supervisor" 2>/dev/null; then
        [ -z "$uuid" ] || "$rkt" --dir="$scratch/data" stop --force "$uuid" >/dev/null 2>&1
        kill "$supervisor" 2>/dev/null
        wait "$supervisor" 2>/dev/null
    fi
    "$rkt" --dir="$scratch/data" gc --grace-period=0s >/dev/null 2>&1
    if [ $status -ne 0 ]; then
        echo >&2
        echo "demo: FAILED. What the pod wrote:" >&2
        sed 's/^/    /' "$scratch/pod.log" >&2
    fi
    if grep -q " $scratch/" /proc/mounts; then
        echo "demo: mounts are left below $scratch, the directory stays" >&2
    else
        rm -rf --one-file-system "$scratch"
    fi
    exit $status
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

fail() {
    echo "demo: $*" >&2
    exit 1
}

# A command as it is typed, then its output, which is also kept in $output. A failing command ends the demonstration.
step() {
    echo
    echo "\$ $*"
    output=$("$@" 2>&1)
    local status=$?
    [ -z "$output" ] || printf '%s\n' "$output"
    [ $status -eq 0 ] || fail "'$*' ended with status $status"
}

# expect WHAT IS WANTED
expect() {
    [ "$2" = "$3" ] || fail "$1 is '$2' and should be '$3'"
}

# What of the pod exists at this moment, one line each: processes that name it or use its files, mounts, locks, and
# directories. The scratch directory is below no other path.
traces() {
    local process entry
    for process in /proc/[0-9]*; do
        [ "$process" != "/proc/$$" ] && [ "$process" != "/proc/$BASHPID" ] || continue
        if tr '\0' ' ' 2>/dev/null <"$process/cmdline" | grep -qF "$uuid" ||
            find "$process/cwd" "$process/root" "$process/exe" "$process/fd" -lname "$scratch/data/*" 2>/dev/null |
            grep -q .; then
            echo "process $(cat "$process/comm" 2>/dev/null)"
        fi
    done
    awk -v below="$scratch/" 'index($2, below) == 1 { print "mount", $2 }' /proc/mounts
    for entry in $locked; do
        grep -qE ":$entry [0-9]+ (EOF|[0-9]+)\$" /proc/locks && echo "lock of inode $entry"
    done
    find "$scratch/data/pods" -mindepth 2 -maxdepth 2 | sed 's/^/directory /'
    ip -o link | awk '$2 != "lo:" { print "interface", $2 }'
    iptables-save -t nat | grep -qe '-A' && echo "rules of iptables"
    nft list tables | grep -e rkt | sed 's/^/rules in /'
    find /run/netns -type f 2>/dev/null | sed 's/^/namespace /'
    find /var/lib/cni/networks -name '[0-9]*.*' 2>/dev/null | sed 's/^/address /'
}

[ "$(id -u)" -eq 0 ] || fail "pods are run as root; use 'sudo make demo'"
if [ "${1:-}" != --in-network ]; then
    exec unshare --net --mount --propagation=private -- "$0" --in-network
fi
ip link set lo up
# Where networks are mounted, plugins keep addresses, and iptables its lock.
for place in /run /var/lib; do mount -t tmpfs none $place; done
for file in "$rkt" "$BUILD/stage1-kvm.aci" "$image" "$BUILD/kernel/release"; do
    [ -f "$file" ] || fail "$file is missing; run 'make all images'"
done
scratch=$(mktemp -d "${TMPDIR:-/var/tmp}/rkt-demo.XXXXXXXX") || exit 1
mkdir "$scratch/data"
cd "$scratch" || exit 1
: >pod.log
PATH=$BUILD:$PATH
readonly started=$SECONDS

echo "A pod with redis, in a virtual machine of its own. Everything is in $scratch."
echo
run=(rkt --dir="$scratch/data" --insecure-options=image run --uuid-file-save="$scratch/uuid" --port=redis:7000
    "$image")
echo "\$ ${run[*]} &"
"${run[@]}" >pod.log 2>&1 </dev/null &
supervisor=$!

# The pod has no UUID before its image has been read and unpacked.
for ((i = 0; i < 600; i++)); do
    [ ! -s "$scratch/uuid" ] || break
    kill -0 $supervisor 2>/dev/null || fail "run has ended before there was a pod"
    sleep 0.1
done
uuid=$(cat "$scratch/uuid") || fail "there is no pod after a minute"

step rkt --dir="$scratch/data" status --wait-ready=2m "$uuid"
grep -q '^state=running$' <<<"$output" || fail "the pod is not running"
# The server takes a moment longer than its process.
for ((i = 0; i < 100; i++)); do
    ! grep -q 'Ready to accept connections' pod.log || break
    sleep 0.1
done
echo
echo "\$ cat pod.log"
cat pod.log

step rkt --dir="$scratch/data" enter "$uuid" /usr/bin/redis-cli ping
expect "the answer of redis" "$output" PONG
step rkt --dir="$scratch/data" enter "$uuid" /usr/bin/uname -r
expect "the kernel of the pod" "$output" "$(cat "$BUILD/kernel/release")"
echo "(the bundled kernel; that of the host is $(uname -r))"
echo
echo "\$ printf 'PING\\r\\n' >/dev/tcp/127.0.0.1/7000"
exec {redis}<>/dev/tcp/127.0.0.1/7000 && printf 'PING\r\n' >&$redis && read -r -t 10 answer <&$redis
exec {redis}>&-
echo "$answer"
expect "the answer of redis to the host" "${answer%$'\r'}" +PONG
step rkt --dir="$scratch/data" list
[[ $output == *"${uuid:0:8}"*redis*running* ]] || fail "the list does not show the pod as running"

# What there is to be removed: without it, the last step would prove nothing.
locked=$(find "$scratch/data/pods/run" -mindepth 1 -maxdepth 1 -printf '%i ')
echo
echo "The pod at this moment:"
present=$(traces | sort | uniq -c)
echo "$present"
for kind in 'process qemu' 'process virtiofsd' mount lock directory interface rules namespace address; do
    grep -q " $kind" <<<"$present" || fail "no $kind is there while the pod runs, the last check would see nothing"
done

step rkt --dir="$scratch/data" stop "$uuid"
wait $supervisor
status=$?
supervisor=
echo
echo "\$ wait; echo \$?"
echo $status
expect "the exit status of run" $status 0
step rkt --dir="$scratch/data" status "$uuid"
grep -q '^state=exited$' <<<"$output" || fail "the pod has not exited"
step rkt --dir="$scratch/data" rm "$uuid"
step rkt --dir="$scratch/data" gc --grace-period=0s
step rkt --dir="$scratch/data" list --no-legend
expect "the list of pods" "$output" ""

echo
left=$(traces)
[ -z "$left" ] || fail "this is left of the pod:"$'\n'"$left"
echo "Nothing is left of the pod: no process, no mount, no lock, no directory, no network."
echo "demo: passed in $((SECONDS - started)) s"
