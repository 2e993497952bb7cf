# Copyright the rkt-swift authors
# SPDX-License-Identifier: Apache-2.0

# A small root with a shell and the usual tools, all of them one static program.

assemble() {
    add_busybox /bin $("$unpacked/usr/bin/busybox" --list-full | sed -e '/^linuxrc$/d' -e 's,^,/,')

    mkdir -p "$root"/{dev,etc,proc,root,run,sys,tmp,var/tmp}
    chmod 1777 "$root/tmp" "$root/var/tmp"
    cat >"$root/etc/passwd" <<'END'
root:x:0:0:root:/root:/bin/sh
web:x:1000:1000:web:/:/bin/sh
nobody:x:65534:65534:nobody:/:/bin/false
END
    cat >"$root/etc/group" <<'END'
root:x:0:
web:x:1000:
nobody:x:65534:
END
}
