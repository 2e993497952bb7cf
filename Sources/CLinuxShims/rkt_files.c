// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

#include "rkt_files.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#define RESULT(call)                  \
    do {                              \
        long result = (long)(call);   \
        return result < 0 ? -errno : result; \
    } while (0)

int rkt_openat2(int directory, const char *path, int flags, unsigned int mode, uint64_t resolve) {
    struct open_how how = {.flags = (uint64_t)(unsigned int)flags | O_CLOEXEC, .mode = mode, .resolve = resolve};
    RESULT(syscall(SYS_openat2, directory, path, &how, sizeof how));
}

int rkt_renameat2(int old_directory, const char *old_path, int new_directory, const char *new_path, unsigned int flags) {
    RESULT(renameat2(old_directory, old_path, new_directory, new_path, flags));
}

int rkt_syncfs(int fd) { RESULT(syncfs(fd)); }

int rkt_start_writeback(int fd, int64_t offset, int64_t length)
{
    RESULT(sync_file_range(fd, offset, length, SYNC_FILE_RANGE_WRITE));
}

int rkt_memfd_create(const char *name, unsigned int flags) { RESULT(memfd_create(name, flags)); }

int rkt_getrandom(void *buffer, size_t length) { RESULT(getrandom(buffer, length, 0)); }

int rkt_statfs(const char *path, int64_t *type, uint64_t *free_bytes) {
    struct statfs info;
    if (statfs(path, &info) < 0) return -errno;
    *type = info.f_type;
    *free_bytes = (uint64_t)info.f_bavail * (uint64_t)info.f_bsize;
    return 0;
}

uint64_t rkt_makedev(unsigned int major_number, unsigned int minor_number) { return makedev(major_number, minor_number); }
unsigned int rkt_major(uint64_t device) { return major(device); }
unsigned int rkt_minor(uint64_t device) { return minor(device); }

ssize_t rkt_lgetxattr(const char *path, const char *name, void *value, size_t size) {
    RESULT(lgetxattr(path, name, value, size));
}
ssize_t rkt_llistxattr(const char *path, char *list, size_t size) { RESULT(llistxattr(path, list, size)); }
int rkt_lsetxattr(const char *path, const char *name, const void *value, size_t size, int flags) {
    RESULT(lsetxattr(path, name, value, size, flags));
}
int rkt_fsetxattr(int fd, const char *name, const void *value, size_t size, int flags) {
    RESULT(fsetxattr(fd, name, value, size, flags));
}
