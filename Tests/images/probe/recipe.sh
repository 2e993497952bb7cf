# Copyright the rkt-swift authors
# SPDX-License-Identifier: Apache-2.0

# The root of busybox, and a program that tries out the file system it is on.

assemble() {
    need cc gcc
    add_busybox /bin $("$unpacked/usr/bin/busybox" --list-full | sed 's,^,/,')
    cc -O1 -Wall -static -o "$root/bin/probe" "$recipe/probe.c" || die "probe.c cannot be compiled"
    strip "$root/bin/probe"

    mkdir -p "$root"/{dev,etc,proc,root,run,sys,tmp,work}
    chmod 1777 "$root/tmp"
    echo 'root:x:0:0:root:/root:/bin/sh' >"$root/etc/passwd"
    echo 'root:x:0:' >"$root/etc/group"
}
