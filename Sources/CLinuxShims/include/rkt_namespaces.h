// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

#ifndef RKT_NAMESPACES_H
#define RKT_NAMESPACES_H

#include <stddef.h>
#include <stdint.h>

// Bits of unshare(2) and setns(2).
#define RKT_CLONE_FS 0x00000200
#define RKT_CLONE_NEWNS 0x00020000
#define RKT_CLONE_NEWNET 0x40000000

int rkt_unshare(int flags);
int rkt_setns(int fd, int type);
// Mounts a file system of that type nowhere (fsopen(2), Linux 5.2): a close-on-exec descriptor of its root.
int rkt_mount_detached(const char *type);
// Makes a mount, named as in openat(2), and all below it read-only (mount_setattr(2), Linux 5.12).
int rkt_make_mounts_read_only(int directory, const char *path);
// Makes a mount, and all below it, private and gives them the attributes, which have the values of MOUNT_ATTR_*
// (mount_setattr(2), Linux 5.12).
int rkt_restrict_mount(int mount, uint64_t attributes);
// A copy of the mount at a path, mounted nowhere (open_tree(2), Linux 5.2): a close-on-exec descriptor of its root.
int rkt_copy_mount(const char *path, int recursive);
// Mounts such a copy over what another descriptor names (move_mount(2), Linux 5.2).
int rkt_attach_mount(int mount, int target);
// A new user namespace with these lines as its user and its group map (user_namespaces(7)), which nobody is in: a
// close-on-exec descriptor.
int rkt_make_user_namespace(const char *map);
// Shows the files of a mount that is mounted nowhere yet, and with `recursive` of those below it, with the owners that the
// user namespace maps theirs to (mount_setattr(2), MOUNT_ATTR_IDMAP, Linux 5.12). Devices there
// do not work, and they are no peers of others any more.
int rkt_map_mount(int mount, int user_namespace, int recursive);
int rkt_pivot_root(const char *new_root, const char *put_old);

// prctl(2).
int rkt_set_no_new_privileges(void);
int rkt_set_parent_death_signal(int signal);
int rkt_set_child_subreaper(void);
int rkt_drop_bounding_capability(int capability);
int rkt_set_keep_capabilities(int keep);
// capset(2) for the calling thread; bit N is capability N.
int rkt_set_capabilities(uint64_t effective, uint64_t permitted, uint64_t inheritable);
// Installs a classic BPF program as seccomp filter; `program` is `count` records of eight bytes (struct sock_filter).
int rkt_set_seccomp_filter(const void *program, unsigned short count);

// reboot(2): power off, after which the call does not return.
int rkt_power_off(void);
int rkt_restart(void);

#endif
