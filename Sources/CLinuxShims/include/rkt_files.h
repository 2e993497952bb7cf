// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

#ifndef RKT_FILES_H
#define RKT_FILES_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// openat2(2), Linux 5.6. `resolve` is a set of RKT_RESOLVE_* bits.
#define RKT_RESOLVE_NO_XDEV 0x01
#define RKT_RESOLVE_NO_MAGICLINKS 0x02
#define RKT_RESOLVE_NO_SYMLINKS 0x04
#define RKT_RESOLVE_BENEATH 0x08
#define RKT_RESOLVE_IN_ROOT 0x10
int rkt_openat2(int directory, const char *path, int flags, unsigned int mode, uint64_t resolve);

#define RKT_O_PATH 010000000
#define RKT_O_TMPFILE 020200000

int rkt_renameat2(int old_directory, const char *old_path, int new_directory, const char *new_path, unsigned int flags);
#define RKT_RENAME_NOREPLACE 1

int rkt_syncfs(int fd);
// sync_file_range(2) with SYNC_FILE_RANGE_WRITE.
int rkt_start_writeback(int fd, int64_t offset, int64_t length);
int rkt_memfd_create(const char *name, unsigned int flags);
int rkt_getrandom(void *buffer, size_t length);
// statfs(2): the file system's magic number and its free bytes.
int rkt_statfs(const char *path, int64_t *type, uint64_t *free_bytes);

uint64_t rkt_makedev(unsigned int major, unsigned int minor);
unsigned int rkt_major(uint64_t device);
unsigned int rkt_minor(uint64_t device);

// xattr(7) calls on a path (never following a final symlink) or a descriptor.
ssize_t rkt_lgetxattr(const char *path, const char *name, void *value, size_t size);
ssize_t rkt_llistxattr(const char *path, char *list, size_t size);
int rkt_lsetxattr(const char *path, const char *name, const void *value, size_t size, int flags);
int rkt_fsetxattr(int fd, const char *name, const void *value, size_t size, int flags);

#endif
