// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

#include "rkt_namespaces.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define RESULT(call)                  \
    do {                              \
        long result = (long)(call);   \
        return result < 0 ? -errno : (int)result; \
    } while (0)

int rkt_unshare(int flags) { RESULT(unshare(flags)); }
int rkt_setns(int fd, int type) { RESULT(setns(fd, type)); }
int rkt_pivot_root(const char *new_root, const char *put_old) { RESULT(syscall(SYS_pivot_root, new_root, put_old)); }

// The numbers are the same for all processors; the C library of Debian 12 is the first that has names for them.
#define RKT_SYS_OPEN_TREE 428
#define RKT_SYS_MOVE_MOUNT 429
#define RKT_SYS_FSOPEN 430
#define RKT_SYS_FSCONFIG 431
#define RKT_SYS_FSMOUNT 432

int rkt_mount_detached(const char *type) {
    int context = (int)syscall(RKT_SYS_FSOPEN, type, 1 /* FSOPEN_CLOEXEC */);
    if (context < 0) return -errno;
    int root = -1;
    if (syscall(RKT_SYS_FSCONFIG, context, 6 /* FSCONFIG_CMD_CREATE */, NULL, NULL, 0) == 0)
        root = (int)syscall(RKT_SYS_FSMOUNT, context, 1 /* FSMOUNT_CLOEXEC */, 0);
    int error = errno;
    close(context);
    return root < 0 ? -error : root;
}

int rkt_copy_mount(const char *path, int recursive) {
    unsigned int flags = 1 /* OPEN_TREE_CLONE */ | O_CLOEXEC;
    if (recursive) flags |= 0x8000 /* AT_RECURSIVE */;
    RESULT(syscall(RKT_SYS_OPEN_TREE, AT_FDCWD, path, flags));
}

int rkt_attach_mount(int mount, int target) {
    int flags = 0x4 /* MOVE_MOUNT_F_EMPTY_PATH */ | 0x40 /* MOVE_MOUNT_T_EMPTY_PATH */;
    RESULT(syscall(RKT_SYS_MOVE_MOUNT, mount, "", target, "", flags));
}

int rkt_make_mounts_read_only(int directory, const char *path) {
    struct {
        uint64_t set, clear, propagation, user_namespace;
    } attributes = {.set = 1 /* MOUNT_ATTR_RDONLY */};
    int flags = AT_EMPTY_PATH | 0x8000 /* AT_RECURSIVE */;
    RESULT(syscall(442 /* C libraries that know it came later */, directory, path, flags, &attributes, sizeof attributes));
}

int rkt_restrict_mount(int mount, uint64_t attributes) {
    struct {
        uint64_t set, clear, propagation, user_namespace;
    } change = {.set = attributes, .propagation = 1 << 18 /* MS_PRIVATE */};
    int flags = AT_EMPTY_PATH | 0x8000 /* AT_RECURSIVE */;
    RESULT(syscall(442, mount, "", flags, &change, sizeof change));
}

int rkt_map_mount(int mount, int user_namespace, int recursive) {
    struct {
        uint64_t set, clear, propagation, user_namespace;
    } attributes = {
        .set = 0x00100000 /* MOUNT_ATTR_IDMAP */ | 0x4 /* MOUNT_ATTR_NODEV */,
        .propagation = 1 << 18 /* MS_PRIVATE */,
        .user_namespace = (uint64_t)user_namespace,
    };
    int flags = AT_EMPTY_PATH | (recursive ? 0x8000 /* AT_RECURSIVE */ : 0);
    RESULT(syscall(442, mount, "", flags, &attributes, sizeof attributes));
}

static int write_map(pid_t pid, const char *name, const char *map) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    int file = open(path, O_WRONLY | O_CLOEXEC);
    if (file < 0) return -errno;
    // One call has to write it all.
    ssize_t count = write(file, map, strlen(map));
    int error = count < 0 ? errno : 0;
    close(file);
    return -error;
}

int rkt_make_user_namespace(const char *map) {
    // The child waits for the end of its input and is only there to have the namespace. Whatever happens to this process,
    // that end comes.
    int ready[2], go[2];
    if (pipe2(ready, O_CLOEXEC) < 0) return -errno;
    if (pipe2(go, O_CLOEXEC) < 0) {
        int error = errno;
        close(ready[0]);
        close(ready[1]);
        return -error;
    }
    sigset_t all, before;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    pid_t pid = fork();
    if (pid == 0) {
        close(go[1]);
        int error = unshare(CLONE_NEWUSER) < 0 ? errno : 0;
        (void)!write(ready[1], &error, sizeof error);
        (void)!read(go[0], &error, 1);
        _exit(0);
    }
    int error = pid < 0 ? errno : 0;
    sigprocmask(SIG_SETMASK, &before, NULL);
    close(ready[1]);
    close(go[0]);
    int space = -1;
    if (pid > 0) {
        ssize_t count;
        do count = read(ready[0], &error, sizeof error);
        while (count < 0 && errno == EINTR);
        if (count != sizeof error) error = EIO;
        if (error == 0) error = -write_map(pid, "uid_map", map);
        if (error == 0) error = -write_map(pid, "gid_map", map);
        if (error == 0) {
            char path[64];
            snprintf(path, sizeof path, "/proc/%d/ns/user", (int)pid);
            space = open(path, O_RDONLY | O_CLOEXEC);
            if (space < 0) error = errno;
        }
    }
    close(ready[0]);
    close(go[1]);
    while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR) continue;
    return error != 0 ? -error : space;
}

int rkt_set_no_new_privileges(void) { RESULT(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)); }
int rkt_set_parent_death_signal(int signal) { RESULT(prctl(PR_SET_PDEATHSIG, signal)); }
int rkt_set_child_subreaper(void) { RESULT(prctl(PR_SET_CHILD_SUBREAPER, 1)); }
int rkt_drop_bounding_capability(int capability) { RESULT(prctl(PR_CAPBSET_DROP, capability)); }
int rkt_set_keep_capabilities(int keep) { RESULT(prctl(PR_SET_KEEPCAPS, keep, 0, 0, 0)); }

int rkt_set_capabilities(uint64_t effective, uint64_t permitted, uint64_t inheritable) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    struct __user_cap_data_struct data[2] = {
        {(uint32_t)effective, (uint32_t)permitted, (uint32_t)inheritable},
        {(uint32_t)(effective >> 32), (uint32_t)(permitted >> 32), (uint32_t)(inheritable >> 32)},
    };
    RESULT(syscall(SYS_capset, &header, data));
}

int rkt_set_seccomp_filter(const void *program, unsigned short count) {
    struct sock_fprog filter = {.len = count, .filter = (struct sock_filter *)program};
    RESULT(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter));
}

int rkt_power_off(void) { RESULT(reboot(RB_POWER_OFF)); }
int rkt_restart(void) { RESULT(reboot(RB_AUTOBOOT)); }
