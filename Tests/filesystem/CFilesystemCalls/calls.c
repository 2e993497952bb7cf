// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

#include "CFilesystemCalls.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

int fs_in_child(char *(*body)(void *), void *context, char *text, size_t size) {
    int ends[2], status = 0;
    text[0] = 0;
    if (pipe2(ends, O_CLOEXEC) != 0) return 255;
    fflush(NULL);
    pid_t child = fork();
    if (child < 0) return 255;
    if (child == 0) {
        close(ends[0]);
        char *wrong = body(context);
        if (wrong) (void)!write(ends[1], wrong, strlen(wrong));
        _exit(wrong ? 1 : 0);
    }
    close(ends[1]);
    size_t length = 0;
    ssize_t count;
    while (length + 1 < size && (count = read(ends[0], text + length, size - length - 1)) > 0) length += (size_t)count;
    text[length] = 0;
    close(ends[0]);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int fs_become(uid_t user, gid_t group) {
    if (setgroups(0, NULL) != 0 || setresgid(group, group, group) != 0) return -1;
    return setresuid(user, user, user);
}

int fs_limit_file_size(size_t bytes) {
    struct rlimit limit = {bytes, bytes};
    signal(SIGXFSZ, SIG_IGN);
    return setrlimit(RLIMIT_FSIZE, &limit);
}

void fs_close_all(void) {
    for (int fd = 3; fd < 128; fd++) close(fd);
}

int fs_open_temporary(const char *directory, mode_t mode) { return open(directory, O_TMPFILE | O_RDWR, mode); }
int fs_open_path(const char *path) { return open(path, O_PATH); }

int fs_rename(const char *from, const char *to, unsigned int flags) {
    return renameat2(AT_FDCWD, from, AT_FDCWD, to, flags);
}

int fs_set_attribute(const char *path, const char *name, const void *value, size_t size, int flags) {
    return setxattr(path, name, value, size, flags);
}

int fs_set_link_attribute(const char *path, const char *name, const void *value, size_t size) {
    return lsetxattr(path, name, value, size, 0);
}

ssize_t fs_get_attribute(const char *path, const char *name, void *value, size_t size) {
    return getxattr(path, name, value, size);
}

ssize_t fs_list_attributes(const char *path, void *list, size_t size) { return listxattr(path, list, size); }
int fs_remove_attribute(const char *path, const char *name) { return removexattr(path, name); }

int fs_set_descriptor_attribute(int fd, const char *name, const void *value, size_t size) {
    return fsetxattr(fd, name, value, size, 0);
}

int fs_flock(int fd, int operation) { return flock(fd, operation); }

static int lock(int fd, int command, int type, off_t start, off_t length) {
    struct flock lock = {.l_type = (short)type, .l_whence = SEEK_SET, .l_start = start, .l_len = length};
    return fcntl(fd, command, &lock);
}

int fs_lock(int fd, int type, off_t start, off_t length) { return lock(fd, F_SETLK, type, start, length); }
int fs_lock_waiting(int fd, int type, off_t start, off_t length) { return lock(fd, F_SETLKW, type, start, length); }
int fs_lock_description(int fd, int type, off_t start, off_t length) {
    return lock(fd, F_OFD_SETLK, type, start, length);
}

pid_t fs_lock_holder(int fd, int type, off_t start, off_t length) {
    struct flock lock = {.l_type = (short)type, .l_whence = SEEK_SET, .l_start = start, .l_len = length};
    if (fcntl(fd, F_GETLK, &lock) != 0) return -1;
    return lock.l_type == F_UNLCK ? 0 : lock.l_pid;
}

pid_t fs_start_holder(const char *path, unsigned int milliseconds) {
    int ends[2];
    char byte = 0;
    if (pipe2(ends, O_CLOEXEC) != 0) return -1;
    pid_t child = fork();
    if (child == 0) {
        int fd = open(path, O_RDWR);
        if (fd < 0 || flock(fd, LOCK_EX) != 0 || fs_lock(fd, F_WRLCK, 0, 0) != 0) _exit(1);
        (void)!write(ends[1], "x", 1);
        usleep(milliseconds * 1000);
        _exit(0);
    }
    close(ends[1]);
    ssize_t count = child < 0 ? -1 : read(ends[0], &byte, 1);
    close(ends[0]);
    errno = count < 0 ? errno : EIO;
    return count == 1 ? child : -1;
}

int fs_allocate(int fd, int mode, off_t offset, off_t length) { return fallocate(fd, mode, offset, length); }
off_t fs_seek_data(int fd, off_t offset) { return lseek(fd, offset, SEEK_DATA); }
off_t fs_seek_hole(int fd, off_t offset) { return lseek(fd, offset, SEEK_HOLE); }

ssize_t fs_copy_range(int from, off_t from_offset, int to, off_t to_offset, size_t length) {
    return copy_file_range(from, &from_offset, to, &to_offset, length, 0);
}

static int with_address(const char *path, int (*use)(int, const struct sockaddr *, socklen_t)) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strncpy(address.sun_path, path, sizeof address.sun_path - 1);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (fd < 0 || use(fd, (struct sockaddr *)&address, sizeof address) != 0) return -1;
    return fd;
}

int fs_listen(const char *path) {
    int fd = with_address(path, bind);
    return fd < 0 || listen(fd, 4) != 0 ? -1 : fd;
}

int fs_connect(const char *path) { return with_address(path, connect); }

dev_t fs_device(unsigned int major, unsigned int minor) { return makedev(major, minor); }
