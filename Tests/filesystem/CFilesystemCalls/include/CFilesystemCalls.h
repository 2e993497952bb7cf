// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

#ifndef FILESYSTEM_CALLS_H
#define FILESYSTEM_CALLS_H

#include <stddef.h>
#include <sys/types.h>

// System calls that Swift cannot import. All but the first return -1 and set errno when they fail.

// Runs a function in a child process, which ends when it returns: text that says what is wrong, or NULL. Returns the
// child's status, or 128 and the signal's number; the text is cut to fit.
int fs_in_child(char *(*body)(void *context), void *context, char *text, size_t size);

// Become another user, without other groups and privileges.
int fs_become(uid_t user, gid_t group);
int fs_limit_file_size(size_t bytes);
void fs_close_all(void);

int fs_open_temporary(const char *directory, mode_t mode);
int fs_open_path(const char *path);
int fs_rename(const char *from, const char *to, unsigned int flags);
#define FS_NOREPLACE 1
#define FS_EXCHANGE 2

int fs_set_attribute(const char *path, const char *name, const void *value, size_t size, int flags);
#define FS_ATTRIBUTE_CREATE 1
#define FS_ATTRIBUTE_REPLACE 2
int fs_set_link_attribute(const char *path, const char *name, const void *value, size_t size);
ssize_t fs_get_attribute(const char *path, const char *name, void *value, size_t size);
ssize_t fs_list_attributes(const char *path, void *list, size_t size);
int fs_remove_attribute(const char *path, const char *name);
int fs_set_descriptor_attribute(int fd, const char *name, const void *value, size_t size);

int fs_flock(int fd, int operation);
#define FS_SHARED 1
#define FS_EXCLUSIVE 2
#define FS_UNLOCK 8
#define FS_NOWAIT 4

// Record locks; `type` is F_RDLCK, F_WRLCK or F_UNLCK.
int fs_lock(int fd, int type, off_t start, off_t length);
int fs_lock_waiting(int fd, int type, off_t start, off_t length);
// Those of an open file description.
int fs_lock_description(int fd, int type, off_t start, off_t length);
// The process that keeps a lock from being taken, 0 when none does.
pid_t fs_lock_holder(int fd, int type, off_t start, off_t length);

// A process that holds both kinds of exclusive lock on a file, for some milliseconds from now on.
pid_t fs_start_holder(const char *path, unsigned int milliseconds);

int fs_allocate(int fd, int mode, off_t offset, off_t length);
#define FS_KEEP_SIZE 1
#define FS_PUNCH_HOLE 2
#define FS_ZERO_RANGE 16
off_t fs_seek_data(int fd, off_t offset);
off_t fs_seek_hole(int fd, off_t offset);
ssize_t fs_copy_range(int from, off_t from_offset, int to, off_t to_offset, size_t length);

int fs_listen(const char *path);
int fs_connect(const char *path);

dev_t fs_device(unsigned int major, unsigned int minor);

#endif
