#!/bin/bash
# Copyright the rkt-swift authors
# SPDX-License-Identifier: Apache-2.0

# Installs the package in a Debian root of its own, does what the documents say, purges it and looks for what is left (as root).
#
# usage: package.sh VERSION
#
# BUILD is where programs, pages and images are. The root is a Debian 12 with what the package depends on and nothing else but
# busybox-static, which the first pod of README.md needs. It is kept in RKT_CACHE as a tar, named after what it was made from;
# making it takes the network. Commands are run there in namespaces of their own, without a network: nothing of the host changes.

set -euo pipefail
export LC_ALL=C

die() {
    echo "package: $*" >&2
    exit 1
}

# step WHAT: with the seconds since the beginning.
step() {
    echo "package: $((EPOCHSECONDS - started)) s: $*"
}

# -- In the root --------------------------------------------------------------------------------------------------------------

# tree FILE: all paths with type, owner, mode, target and digest. What a pod that runs removes meanwhile is left out.
tree() {
    {
        find / -ignore_readdir_race -xdev -path /test -prune -o -not -type f -printf '%p %y %m %u %g %l\n' \
            -o -printf '%p %y %m %u %g %s\n'
        find / -ignore_readdir_race -xdev -path /test -prune -o -type f -size -1024k -print0 |
            { xargs -0 sha1sum 2>/dev/null || true; }
        find /run -ignore_readdir_race -mindepth 1 -printf '%p %y %m %u %g %l\n'
        ip -o link | sed -E 's/^[0-9]+: ([^:@]+).*/interface \1/'
        # Tables and their built-in chains are the kernel's, and stay once they were used.
        iptables-save | grep '^-A' || true
        ip6tables-save | grep '^-A' || true
    } | sort >"$1"
}

# What dpkg and apt write of every package, and useradd and groupadd of every group: logs, states, caches, backups, locks.
readonly theirs='/var/log/(apt/(history|term|eipp)\.log(\.xz)?|dpkg\.log|alternatives\.log)|/var/cache/apt/(src)?pkgcache\.bin
/var/lib/dpkg/(status(-old)?|lock|lock-frontend|triggers/Lock|available(-old)?|diversions-old|statoverride-old|info/format)
/var/lib/apt/(extended_states|lists/(lock|auxfiles))|/etc/(passwd|group|shadow|gshadow|subuid|subgid)-|/etc/\.pwd\.lock
/var/cache/ldconfig/aux-cache'

# changed BEFORE AFTER: what of two trees differs and is not theirs, nor a pod's.
changed() {
    diff "$1" "$2" | grep '^[<>]' | grep -vE "^[<>] ([0-9a-f]{40}  )?(${theirs//$'\n'/|})( |$)" || true
}

# refused COMMAND...: it must fail; what it said is in $output.
refused() {
    if output=$("$@" 2>&1); then
        die "'$*' must fail and did not: $output"
    fi
}

# done_by COMMAND...: it must succeed; what it said is in $output, and errors in /test/errors.
done_by() {
    output=$("$@" 2>/test/errors) || die "'$*' has failed: $output"$'\n'"$(cat /test/errors)"
}

# expect TEXT PATTERN WHAT
expect() {
    grep -qE -- "$2" <<<"$1" || die "$3: there is no /$2/ in: $1"
}

as() {
    local user=$1
    shift
    runuser -u "$user" -- "$@"
}

inside() {
    local version=$1 uuid second
    readonly apt=(apt-get -y -qq -o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-unsafe-io)
    export DEBIAN_FRONTEND=noninteractive
    cd /test
    # The commands of README.md are those of a user, and this is root.
    printf '#!/bin/sh\nexec "$@"\n' >/usr/local/bin/sudo
    chmod 0755 /usr/local/bin/sudo
    for user in member administrator stranger; do useradd --create-home "$user"; done
    tree /test/before

    step "apt-get install"
    done_by "${apt[@]}" install "/test/rkt_${version}_amd64.deb"
    ! grep -iE 'warning|error' /test/errors || die "installing complains"
    usermod -aG rkt member
    usermod -aG rkt-admin administrator
    expect "$(rkt version)" "^rkt Version: ${version%%+*}$" "rkt version"
    done_by rkt doctor
    expect "$output" 'stage1-kvm:.*qemu' "rkt doctor"
    expect "$(dpkg -L rkt)" '^/usr/share/man/man1/rkt-run.1.gz$' "files of the package"
    ! dpkg -L rkt | grep -E '^/(etc|var)(/|$)' || die "the package has files that its scripts make"
    if [ -e /lib/systemd/system/rkt-gc.timer ]; then
        [ -L /etc/systemd/system/timers.target.wants/rkt-gc.timer ] || die "rkt-gc.timer is not enabled"
    fi
    [ "$(id -Gn rkt-api) $(id -Gn rkt-metadata)" = "rkt rkt-metadata" ] || die "the services' users are in other groups"
    [ -z "$(find /etc/systemd/system -name 'rkt*.socket')" ] || die "a socket is enabled"

    step "directories"
    list() { (cd "$1" && find . -printf '%P %m %u %g\n' | sort); }
    /usr/lib/rkt/setup-data-dir.sh /test/data /test/etc
    diff <(list /var/lib/rkt) <(list /test/data) || die "setup-data-dir.sh and systemd-tmpfiles make other data directories"
    diff <(list /etc/rkt) <(list /test/etc) || die "setup-data-dir.sh and systemd-tmpfiles make other directories in /etc"
    done_by rkt --insecure-options=image --dir=/test/new prepare /test/busybox.aci
    diff <(list /var/lib/rkt) <(list /test/new | grep -vE '^(pods/prepared|cas/(db|tree|locks|blob/sha512)|cas/test)/') ||
        die "rkt and systemd-tmpfiles make other data directories"
    done_by rkt --dir=/test/new gc --expire-prepared=0s --grace-period=0s

    step "members"
    refused as member rkt fetch /test/busybox.aci
    expect "$output" 'trust|signature' "an image that nobody trusts"
    refused as member rkt trust --prefix=example.com/busybox --skip-fingerprint-review /test/key.asc
    done_by as administrator rkt trust --prefix=example.com/busybox --skip-fingerprint-review /test/key.asc
    refused as stranger rkt fetch /test/busybox.aci
    done_by as member rkt fetch --full /test/busybox.aci
    expect "$output" '^sha512-[0-9a-f]{64,}$' "rkt fetch"
    done_by as member rkt image list --no-legend
    expect "$output" 'example.com/busybox' "rkt image list"
    refused as administrator rkt fetch /test/busybox.aci
    # A stage1 image of a release.
    refused as member rkt fetch /test/stage1-fly.aci
    done_by as administrator rkt trust --prefix=coreos.com/rkt --skip-fingerprint-review /test/key.asc
    done_by as member rkt fetch /test/stage1-fly.aci

    step "the first pod of README.md"
    sed -n '/^## A first pod$/,/^## /s/^    //p' /usr/share/doc/rkt/README.md >/test/commands
    grep -q 'rkt .* run ' /test/commands || die "README.md has no first pod"
    expect "$(cat /usr/share/doc/rkt/README.md)" "apt install ./build/rkt_${version}_amd64.deb$" "README.md's installation"
    # Each command as a user types it; a here-document is a part of one.
    sed -e 's/UUID/$(rkt list --no-legend --full | cut -f 1)/' /test/commands >/test/script
    done_by bash -euxc '. /test/script'
    grep -E '^[^+]' <<<"$output" | sed 's/^/    | /'
    expect "$output" "hello\[[0-9]+\]: Linux rkt-[0-9a-f-]+ $(cat /test/release) " "the output of the first pod"
    expect "$output" 'example.com/hello.*exited' "rkt list"
    expect "$output" '^state=exited$' "rkt status"
    [ "$(grep -c ' Linux rkt-' <<<"$output")" -ge 2 ] || die "rkt logs does not show what the pod said"
    [ -z "$(rkt list --no-legend)" ] || die "pods are left after the commands of README.md: $(rkt list)"

    step "removal while a pod runs"
    rkt run --uuid-file-save=/test/uuid example.com/busybox --exec=/bin/sh -- \
        -c 'trap "echo bye; exit 0" TERM; echo up; while :; do sleep 1; done' >/test/output 2>/test/pod </dev/null &
    local pod=$!
    for ((i = 0; i < 1200; i++)); do
        [ ! -s /test/uuid ] || break
        kill -0 $pod 2>/dev/null || die "the second pod does not start: $(cat /test/pod)"
        sleep 0.1
    done
    uuid=$(cat /test/uuid)
    done_by rkt status --wait-ready=4m "$uuid"
    tree /test/running
    [ "$(changed /test/before /test/running | wc -l)" -gt 200 ] || die "the lists of paths do not show that the package is there"
    refused "${apt[@]}" purge rkt
    expect "$output" "pod $uuid runs: stop it with 'rkt stop $uuid'" "removal while a pod runs"
    [ "$(dpkg-query -W -f '${db:Status-Status}' rkt)" = installed ] || die "the package is gone though a pod runs"
    tree /test/refused
    output=$(changed /test/running /test/refused | grep -v "$uuid" || true)
    [ -z "$output" ] || die "a removal that was refused has changed something:"$'\n'"$output"

    step "upgrade while a pod runs"
    # What the administrator has enabled stays so, and goes with a purge.
    [ ! -e /lib/systemd/system/rkt-api.socket ] || done_by systemctl enable rkt-api.socket
    done_by "${apt[@]}" install "/test/rkt_$version+1_amd64.deb"
    [ "$(dpkg-query -W -f '${Version}' rkt)" = "$version+1" ] || die "the package was not upgraded"
    if [ -e /lib/systemd/system/rkt-api.socket ]; then
        [ -L /etc/systemd/system/sockets.target.wants/rkt-api.socket ] || die "an upgrade has disabled rkt-api.socket"
    fi
    done_by rkt enter "$uuid" /bin/echo still here
    expect "$output" 'still here' "rkt enter after an upgrade"
    done_by rkt stop "$uuid"
    local status=0
    wait $pod || status=$?
    [ $status -eq 0 ] || die "the pod has ended with status $status after an upgrade: $(cat /test/pod)"
    expect "$(cat /test/output)" 'bye' "the output of a pod that is stopped after an upgrade"
    done_by rkt prepare example.com/busybox

    step "apt-get purge"
    done_by "${apt[@]}" purge rkt
    tree /test/after
    output=$(changed /test/before /test/after)
    [ -z "$output" ] || die "this is left of the package (>), or gone with it (<):"$'\n'"$output"
    step "nothing is left"
}

# booted VERSION: the same where systemd runs: what is started, and what becomes of it. What goes wrong is in /test/complaint.
booted() {
    local unit state processes
    readonly services=(rkt-api.service rkt-metadata.service)
    readonly apt=(apt-get -y -qq -o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-unsafe-io)
    export DEBIAN_FRONTEND=noninteractive
    exec 2>/test/complaint >&2
    cd /test
    done_by "${apt[@]}" install "/test/rkt_$1_amd64.deb"
    unit=rkt-gc.timer
    if [ -e /lib/systemd/system/$unit ]; then
        state="$(systemctl is-enabled $unit) $(systemctl is-active $unit)" || true
        [ "$state" = "enabled active" ] || die "$unit is '$state' after the package was installed"
        done_by systemctl start rkt-gc.service
    fi
    [ -z "$(systemctl list-units --no-legend 'rkt*.socket')" ] || die "a socket is started"
    # They start with as little as their units leave them, and an upgrade replaces them.
    done_by systemctl start "${services[@]}"
    processes=$(systemctl show -P MainPID "${services[@]}")
    done_by "${apt[@]}" install "/test/rkt_$1+1_amd64.deb"
    done_by systemctl is-active "${services[@]}"
    output=$(systemctl show -P MainPID "${services[@]}")
    [ "$(sort <<<"$processes"$'\n'"$output" | uniq -d | grep -c .)" -eq 0 ] || die "an upgrade leaves old services: $processes, $output"
    [ ! -e /lib/systemd/system/$unit ] || done_by systemctl is-active $unit
    if [ -e /lib/systemd/system/rkt-gc@.timer ]; then
        mkdir -p /var/lib/rkt-tenants/acme /etc/rkt-tenants/acme
        done_by systemctl start rkt-gc@acme.timer rkt-gc@acme.service
        rm -r /var/lib/rkt-tenants /etc/rkt-tenants
    fi
    done_by "${apt[@]}" purge rkt
    output=$(systemctl list-units --all --no-legend --plain 'rkt*')
    [ -z "$output" ] || die "units are left in systemd: $output"
    output=$(find / -xdev -path /test -prune -o -name '*rkt*' -print)
    [ -z "$output" ] || die "this is left: $output"
    echo "$1" >/test/booted
}

# -- On the host --------------------------------------------------------------------------------------------------------------

# enter ROOT: in namespaces of its own, makes ROOT the root. Mounts end with the namespaces.
enter() {
    local root=$1 file
    ip link set lo up
    mount --bind "$root" "$root"
    cd "$root"
    mount -t proc proc proc
    mount -t sysfs sysfs sys
    mount -t tmpfs -o mode=755 tmpfs run
    mount -t tmpfs -o mode=755 tmpfs dev
    mkdir dev/net dev/pts dev/shm
    for file in null zero full random urandom tty net/tun kvm; do
        # KVM is not everywhere.
        [ ! -e "/dev/$file" ] || cp -a "/dev/$file" "dev/$file"
    done
    mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts dev/pts
    mount -t tmpfs -o mode=1777 tmpfs dev/shm
    ln -s pts/ptmx dev/ptmx
    ln -s /proc/self/fd dev/fd
    ln -s fd/0 dev/stdin
    ln -s fd/1 dev/stdout
    ln -s fd/2 dev/stderr
    if [ "$2" = booted ]; then mount -t cgroup2 cgroup2 sys/fs/cgroup; else mount --rbind /sys/fs/cgroup sys/fs/cgroup; fi
    mkdir -p test/old
    pivot_root . test/old
    umount -l /test/old
    rmdir /test/old
}

# run_inside VERSION
run_inside() {
    exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb LC_ALL=C \
        PACKAGE_STARTED="$started" /bin/bash /test/package.sh --inside "$1"
}

# boot VERSION: this process becomes systemd, which ends with its one unit.
boot() {
    mkdir -p /run/systemd/system
    cat >/run/systemd/system/package-test.service <<END
[Unit]
SuccessAction=exit-force
FailureAction=exit-force

[Service]
Type=oneshot
ExecStart=/bin/bash /test/package.sh --booted $1
END
    exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin container=rkt-package /lib/systemd/systemd --unit=package-test.service \
        --log-target=console --log-level=warning
}

case ${1:-} in
--inside)
    started=$PACKAGE_STARTED
    inside "$2"
    exit
    ;;
--booted)
    started=$EPOCHSECONDS
    booted "$2"
    exit
    ;;
--enter)
    started=$PACKAGE_STARTED
    enter "$2" inside
    run_inside "$3"
    ;;
--boot)
    # In a group of its own, which the namespace makes the root of all groups.
    enter "$2" booted
    boot "$3"
    ;;
esac

[ $# -eq 1 ] && [ -n "$1" ] || { echo "usage: package.sh VERSION" >&2; exit 2; }
readonly version=$1 started=$EPOCHSECONDS
readonly source=$(dirname "$(dirname "$(realpath "$0")")")
BUILD=$(realpath "${BUILD:-$source/build}")
export BUILD
readonly cache=$(realpath -m "${RKT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/rkt-build}")/roots
readonly image=$BUILD/images/busybox.aci

[ "$(id -u)" -eq 0 ] || die "packages are installed by root; use 'sudo make test-package'"
for file in "$BUILD"/{rkt,stage1-kvm.aci,images/busybox.aci,man/rkt.1,completion/rkt.bash,kernel/release}; do
    [ -e "$file" ] || die "$file is missing; run 'make all images man completion'"
done
for program in mmdebstrap lintian dpkg-shlibdeps gpg; do
    command -v $program >/dev/null || die "$program is missing; run 'make setup'"
done

group=
work=$(mktemp -d "${TMPDIR:-/var/tmp}/rkt-package.XXXXXXXX")
jobs=()
cleanup() {
    local status=$?
    trap - EXIT
    set +e
    # They end soon, and write where all is removed next.
    wait "${jobs[@]}" 2>/dev/null
    # Processes of an ended namespace are in their groups until they are reaped.
    for ((i = 0; i < 100; i++)); do
        [ -n "$group" ] && [ -d "$group" ] || break
        find "$group" -depth -type d -exec rmdir {} + 2>/dev/null || sleep 0.1
    done
    GNUPGHOME=$work/keys gpgconf --kill all 2>/dev/null
    rm -rf --one-file-system "$work"
    exit $status
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
chmod 0755 "$work"
mkdir "$work/test" "$work/other" "$work/root"

for name in $(sed -n 's|^ *[.]package(url: ".*/\(.*\)[.]git".*|\1|p' "$source/Package.swift"); do
    grep -qE "^(Files:)? $name/[*]" "$source/dist/debian/copyright" || die "dist/debian/copyright does not tell the licence of $name"
done

# Compressed as fast as lintian accepts it. The second one is made elsewhere, by somebody with another umask, at another time.
step "packages"
readonly package=$work/test/rkt_${version}_amd64.deb
DEB_COMPRESSION='-Zgzip -z1' "$source/dist/deb.sh" "$version" "$BUILD" "$package"
(
    umask 077
    TMPDIR=$work/other DEB_COMPRESSION='-Zgzip -z1' "$source/dist/deb.sh" "$version" "$BUILD" "$work/other/second.deb"
    cmp "$package" "$work/other/second.deb"
    DEB_COMPRESSION=-Znone "$source/dist/deb.sh" "$version+1" "$BUILD" "$work/test/rkt_$version+1_amd64.deb"
) >"$work/second.log" 2>&1 &
jobs+=($!)

# The root: packages that the package names, without alternatives, versions and suggestions.
includes=$(dpkg-deb -f "$package" Depends Recommends | sed -E 's/^[A-Za-z]+: //; s/\|[^,]*//g; s/\([^)]*\)//g; s/ //g' | paste -sd ,)
includes+=,busybox-static
targets=(apt-get indextargets 'Created-By: Packages' 'Origin: Debian' 'Component: main' --format)
sources=$("${targets[@]}" 'deb $(REPO_URI) $(RELEASE) $(COMPONENT)' | grep -E ' bookworm(-updates|-security)? ' | sort -u) || true
[ -n "$sources" ] || die "apt has no lists of Debian 12; run 'make setup' or 'apt-get update'"
digest=$({
    echo "$includes"
    "${targets[@]}" '$(FILENAME)' | grep -E '_bookworm(-updates|-security)?_' | sort -u | xargs sha256sum
    sed -n '/^root_recipe=/,/^)/p' "$0"
} | sha256sum | cut -c 1-16)
root_recipe=(
    mmdebstrap --quiet --mode=root --variant=apt --dpkgopt=force-unsafe-io "--include=$includes" --format=tar bookworm
)
tar=$cache/package-$digest.tar
if [ ! -e "$tar" ]; then
    step "a Debian root, by mmdebstrap"
    mkdir -p "$cache"
    # It does not know by itself what proxies this host's apt uses, or how old lists may be.
    apt-config dump | grep -E '^Acquire::(https?|Retries|Check-Valid-Until|Max-ValidTime|ForceIPv[46])\b' >"$work/apt.conf" &&
        root_recipe+=("--aptopt=$work/apt.conf")
    "${root_recipe[@]}" "$work/root.tar" - <<<"$sources" || die "mmdebstrap cannot make a Debian root"
    # One is enough: a new one is made when Debian or the package's dependencies change.
    rm -f "$cache"/package-*.tar*
    mv "$work/root.tar" "$tar.$$"
    mv "$tar.$$" "$tar"
fi
step "unpacking"
tar -x -p --numeric-owner --xattrs --xattrs-include='*' -f "$tar" -C "$work/root"

# A key, and an image that it has signed.
mkdir -m 0700 "$work/keys"
cp "$image" "$work/test/busybox.aci"
(
    export GNUPGHOME=$work/keys
    gpg --batch --quiet --passphrase '' --quick-generate-key 'Carly <carly@example.com>' rsa3072 sign never
    gpg --batch --quiet --armor --export --output "$work/test/key.asc"
    gpg --batch --quiet --armor --detach-sign "$work/test/busybox.aci"
    RKT_SIGNING_KEY=$(gpg --list-keys --with-colons | awk -F : '$1 == "fpr" { print $10; exit }')
    export RKT_SIGNING_KEY
    # As `make dist` does it. rkt verifies the signature later.
    cp "$BUILD/stage1-fly.aci" "$work/test"
    "$source/dist/sign.sh" "$work/test" stage1-fly.aci
) >"$work/gpg.log" 2>&1 || die "signing fails: $(cat "$work/gpg.log")"
cp "$BUILD/kernel/release" "$source/Tests/package.sh" "$work/test"
chmod -R a+rX "$work/test"

wait "${jobs[0]}" || die "two packages of the same files are not the same: $(cat "$work/second.log")"
jobs=()
mv "$work/test" "$work/root/test"
lintian --allow-root --fail-on=error,warning "$work/root/test/${package##*/}" >"$work/lintian.log" 2>&1 &
jobs+=($!)
PACKAGE_STARTED=$started unshare --mount --net --pid --ipc --uts --fork --kill-child --propagation=private -- \
    "$source/Tests/package.sh" --enter "$work/root" "$version" || die "FAILED"

# systemd needs a hierarchy of version 2 in which it is alone.
groups=$(findmnt -n -t cgroup2 -o TARGET | head -n 1) || true
if [ -n "$groups" ] && mkdir "$groups/${work##*/}" 2>/dev/null; then
    step "the same with systemd"
    group=$groups/${work##*/}
    rm -f "$work/root/test/complaint"
    sh -c 'echo 0 >"$1/cgroup.procs" && shift && exec "$@"' sh "$group" timeout -s KILL 180 \
        unshare --mount --net --pid --ipc --uts --cgroup --fork --kill-child --propagation=private -- \
        "$source/Tests/package.sh" --boot "$work/root" "$version" >"$work/systemd.log" 2>&1 </dev/null || true
    [ "$(cat "$work/root/test/booted" 2>/dev/null)" = "$version" ] ||
        die "FAILED with systemd: $(tail -n 20 "$work/systemd.log" "$work/root/test/complaint")"
else
    step "systemd is not booted: no control groups of version 2 can be made here"
fi

wait "${jobs[0]}" || die "lintian complains: $(cat "$work/lintian.log")"
jobs=()
step "passed"
