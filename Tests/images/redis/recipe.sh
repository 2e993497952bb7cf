# Copyright the rkt-swift authors
# SPDX-License-Identifier: Apache-2.0

# The redis server and its client, with just the libraries that they load, and a shell.

assemble() {
    merge_usr "$root"
    # The server is the program that also checks dumps, by another name.
    cp --no-preserve=timestamps "$(readlink -f "$unpacked/usr/bin/redis-server")" "$root/usr/bin/redis-server"
    take /usr/bin/redis-cli
    take_libraries
    add_busybox /usr/bin /usr/bin/{cat,id,ls,ps,sh,uname}

    mkdir -p "$root"/{dev,etc,proc,root,run,sys,tmp,var/lib/redis}
    chmod 1777 "$root/tmp"
    cat >"$root/etc/passwd" <<'END'
root:x:0:0:root:/root:/bin/sh
redis:x:999:999:redis:/var/lib/redis:/bin/false
END
    cat >"$root/etc/group" <<'END'
root:x:0:
redis:x:999:
END
    owned=999:/var/lib/redis
}
