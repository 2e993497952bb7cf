// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

// Tries out the file system of a directory. Prints `ok NAME` or `FAILED NAME: WHAT` for each check, and ends with the
// number of failures.
//
// usage: probe [DIRECTORY]      (default /work)
//
// With --notify it says something to the service manager instead (sd_notify(3)), and ends with 0 when that was taken.
//
// usage: probe --notify TEXT

#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

static const char *reason;

// Ends a check that is not fulfilled.
#define NEED(condition)                                   \
    do {                                                  \
        if (!(condition)) {                               \
            reason = #condition;                          \
            return -1;                                    \
        }                                                 \
    } while (0)

static int write_file(const char *path, const char *text) {
    int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0644);
    NEED(fd >= 0);
    NEED(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    return close(fd);
}

static int holds(const char *path, const char *text) {
    char buffer[256] = "";
    int fd = open(path, O_RDONLY);
    if (fd < 0) return 0;
    ssize_t count = read(fd, buffer, sizeof buffer - 1);
    close(fd);
    return count == (ssize_t)strlen(text) && memcmp(buffer, text, count) == 0;
}

// The status of a child that runs a function.
static int in_child(int (*body)(void)) {
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) _exit(body());
    int status = 0;
    if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status)) return -1;
    return WEXITSTATUS(status);
}

static int check_fifo(void) {
    char byte = 0;
    NEED(mkfifo("fifo", 0600) == 0);
    int fd = open("fifo", O_RDWR | O_NONBLOCK);
    NEED(fd >= 0);
    NEED(write(fd, "x", 1) == 1);
    NEED(read(fd, &byte, 1) == 1 && byte == 'x');
    return close(fd);
}

static int check_socket(void) {
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "socket"};
    struct stat status;
    char byte = 0;
    int server = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0);
    NEED(bind(server, (struct sockaddr *)&address, sizeof address) == 0);
    NEED(stat("socket", &status) == 0 && S_ISSOCK(status.st_mode));
    NEED(listen(server, 1) == 0);
    NEED(connect(client, (struct sockaddr *)&address, sizeof address) == 0);
    int accepted = accept(server, NULL, NULL);
    NEED(accepted >= 0);
    NEED(write(client, "x", 1) == 1 && read(accepted, &byte, 1) == 1 && byte == 'x');
    close(server), close(client), close(accepted);
    return unlink("socket");
}

static int check_unlinked(void) {
    char buffer[32] = "", path[64];
    struct stat status;
    int fd = open("unlinked", O_CREAT | O_RDWR, 0600);
    NEED(fd >= 0);
    NEED(write(fd, "before", 6) == 6);
    NEED(unlink("unlinked") == 0);
    NEED(access("unlinked", F_OK) != 0 && errno == ENOENT);
    NEED(write(fd, " after", 6) == 6);
    NEED(pread(fd, buffer, sizeof buffer, 0) == 12 && memcmp(buffer, "before after", 12) == 0);
    NEED(ftruncate(fd, 6) == 0);
    NEED(fstat(fd, &status) == 0 && status.st_size == 6);
    NEED(status.st_nlink == 0);
    NEED(fchmod(fd, 0640) == 0);
    NEED(fstat(fd, &status) == 0 && (status.st_mode & 07777) == 0640);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int again = open(path, O_RDONLY);
    NEED(again >= 0);
    NEED(read(again, buffer, sizeof buffer) == 6);
    close(again);
    return close(fd);
}

static int check_truncate(void) {
    struct stat status;
    NEED(write_file("long", "0123456789") == 0);
    NEED(truncate("long", 4) == 0 && holds("long", "0123"));
    NEED(truncate("long", 1 << 20) == 0);
    NEED(stat("long", &status) == 0 && status.st_size == 1 << 20);
    return 0;
}

static int check_append(void) {
    int first = open("append", O_CREAT | O_WRONLY | O_APPEND, 0600);
    int second = open("append", O_WRONLY | O_APPEND);
    NEED(first >= 0 && second >= 0);
    NEED(write(first, "a", 1) == 1 && write(second, "b", 1) == 1 && write(first, "c", 1) == 1);
    close(first), close(second);
    NEED(holds("append", "abc"));
    return 0;
}

static int check_rename(void) {
    NEED(write_file("old", "old") == 0 && write_file("target", "target") == 0);
    NEED(rename("old", "target") == 0);
    NEED(access("old", F_OK) != 0 && holds("target", "old"));
    NEED(mkdir("from", 0755) == 0 && write_file("from/file", "moved") == 0);
    NEED(rename("from", "to") == 0 && holds("to/file", "moved"));
    NEED(renameat2(AT_FDCWD, "target", AT_FDCWD, "to/file", RENAME_NOREPLACE) != 0 && errno == EEXIST);
    return 0;
}

// Directories of the image are on the read-only layer of an overlay.
static int check_image_files(void) {
    struct stat status;
    NEED(rename("/bin/busybox", "/bin/renamed") == 0);
    NEED(rename("/bin/renamed", "/bin/busybox") == 0);
    NEED(stat("/bin/busybox", &status) == 0 && status.st_mode & 0100);
    NEED(write_file("/etc/passwd", "changed") == 0 && holds("/etc/passwd", "changed"));
    NEED(unlink("/etc/group") == 0 && access("/etc/group", F_OK) != 0);
    return 0;
}

static int check_hard_link(void) {
    struct stat first, second;
    NEED(write_file("one", "text") == 0);
    NEED(link("one", "two") == 0);
    NEED(stat("one", &first) == 0 && stat("two", &second) == 0);
    NEED(first.st_ino == second.st_ino && second.st_nlink == 2);
    NEED(write_file("one", "new") == 0 && holds("two", "new"));
    return 0;
}

static int check_symbolic_link(void) {
    char target[16] = "";
    NEED(symlink("one", "symbolic") == 0);
    NEED(readlink("symbolic", target, sizeof target) == 3 && strcmp(target, "one") == 0);
    NEED(holds("symbolic", "new"));
    return 0;
}

static int check_mode_and_owner(void) {
    struct stat status;
    NEED(write_file("owned", "") == 0);
    NEED(chown("owned", 1234, 4321) == 0 && chmod("owned", 04751) == 0);
    NEED(stat("owned", &status) == 0 && status.st_uid == 1234 && status.st_gid == 4321);
    NEED((status.st_mode & 07777) == 04751);
    struct timespec times[2] = {{1000000000, 5000}, {1100000000, 7000}};
    NEED(utimensat(AT_FDCWD, "owned", times, 0) == 0);
    NEED(stat("owned", &status) == 0 && status.st_mtim.tv_sec == 1100000000 && status.st_mtim.tv_nsec == 7000);
    return 0;
}

static int become_other_and_touch(void) {
    if (setgid(1001) != 0 || setuid(1001) != 0) return 1;
    // A file of somebody else, in a sticky directory that everybody may write to.
    if (unlink("/tmp/sticky") == 0 || (errno != EPERM && errno != EACCES)) return 2;
    int fd = open("/tmp/mine", O_CREAT | O_EXCL | O_WRONLY, 0600);
    if (fd < 0) return 3;
    struct stat status;
    if (fstat(fd, &status) != 0 || status.st_uid != 1001 || status.st_gid != 1001) return 4;
    if (open("owned", O_WRONLY) >= 0) return 5;
    return unlink("/tmp/mine") == 0 ? 0 : 6;
}

static int check_sticky(void) {
    struct stat status;
    NEED(stat("/tmp", &status) == 0 && (status.st_mode & 07777) == 01777);
    NEED(write_file("/tmp/sticky", "x") == 0 && chown("/tmp/sticky", 1000, 1000) == 0);
    int result = in_child(become_other_and_touch);
    NEED(result != 1);
    NEED(result != 2);
    NEED(result == 0);
    return 0;
}

static int check_devices(void) {
    struct stat status;
    NEED(mknod("null", S_IFCHR | 0600, makedev(1, 3)) == 0);
    NEED(stat("null", &status) == 0 && S_ISCHR(status.st_mode) && status.st_rdev == makedev(1, 3));
    NEED(unlink("null") == 0);
    int null = open("/dev/null", O_WRONLY), zero = open("/dev/zero", O_RDONLY);
    char byte = 1;
    NEED(write(null, "x", 1) == 1 && read(zero, &byte, 1) == 1 && byte == 0);
    close(null), close(zero);
    return 0;
}

static int check_foreign_devices(void) {
    // A serial line: that of the pod's kernel messages.
    int made = mknod("serial", S_IFCHR | 0600, makedev(4, 64));
    int fd = made == 0 ? open("serial", O_RDWR | O_NONBLOCK | O_NOCTTY) : -1;
    NEED(fd < 0 && errno == EPERM);
    unlink("serial");
    return 0;
}

// The way out of chroot(2) for root: a directory that is open when the root moves below it.
static int leave_root(void) {
    if (mkdir("deeper", 0700) != 0 || chroot("deeper") != 0) return 1;
    for (int level = 0; level < 64; level++) {
        if (chdir("..") != 0) return 2;
    }
    if (chroot(".") != 0) return 3;
    return access("/usr/lib/rkt/rkt-guest", F_OK) == 0 || access("/opt/stage2", F_OK) == 0 ? 4 : 0;
}

static int check_contained(void) {
    int result = in_child(leave_root);
    rmdir("deeper");
    NEED(result != 1 && result != 2 && result != 3);
    NEED(result == 0);
    return 0;
}

static int flock_is_taken(void) {
    int fd = open("lock", O_RDWR);
    return fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

static int check_flock(void) {
    int fd = open("lock", O_CREAT | O_RDWR, 0600);
    NEED(fd >= 0 && flock(fd, LOCK_EX) == 0);
    NEED(in_child(flock_is_taken) == 1);
    NEED(flock(fd, LOCK_UN) == 0);
    NEED(in_child(flock_is_taken) == 0);
    return close(fd);
}

static int record_lock_is_taken(void) {
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 10, .l_len = 1};
    int fd = open("lock", O_RDWR);
    return fd >= 0 && fcntl(fd, F_SETLK, &lock) != 0 && (errno == EAGAIN || errno == EACCES);
}

static int check_record_lock(void) {
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 10, .l_len = 1};
    int fd = open("lock", O_RDWR);
    NEED(fd >= 0 && fcntl(fd, F_SETLK, &lock) == 0);
    NEED(in_child(record_lock_is_taken) == 1);
    lock.l_type = F_UNLCK;
    NEED(fcntl(fd, F_SETLK, &lock) == 0);
    NEED(in_child(record_lock_is_taken) == 0);
    return close(fd);
}

static char *mapping;

static int change_mapping(void) {
    memcpy(mapping + 4096, "from the child", 14);
    return msync(mapping, 8192, MS_SYNC) == 0 ? 0 : 1;
}

static int check_shared_mapping(void) {
    char buffer[16] = "";
    int fd = open("mapped", O_CREAT | O_RDWR, 0600);
    NEED(fd >= 0 && ftruncate(fd, 8192) == 0);
    mapping = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    NEED(mapping != MAP_FAILED);
    NEED(in_child(change_mapping) == 0);
    NEED(memcmp(mapping + 4096, "from the child", 14) == 0);
    NEED(pread(fd, buffer, 14, 4096) == 14 && memcmp(buffer, "from the child", 14) == 0);
    NEED(pwrite(fd, "by write", 8, 0) == 8 && memcmp(mapping, "by write", 8) == 0);
    return close(fd);
}

static int check_attributes(void) {
    char value[16] = "", list[256] = "";
    NEED(write_file("attributes", "") == 0);
    NEED(setxattr("attributes", "user.color", "green", 5, 0) == 0);
    NEED(getxattr("attributes", "user.color", value, sizeof value) == 5 && memcmp(value, "green", 5) == 0);
    ssize_t length = listxattr("attributes", list, sizeof list);
    NEED(length > 0 && memmem(list, length, "user.color", 11) != NULL);
    NEED(removexattr("attributes", "user.color") == 0);
    NEED(getxattr("attributes", "user.color", value, sizeof value) < 0 && errno == ENODATA);
    return 0;
}

static int check_many_entries(void) {
    char name[32];
    int found = 0;
    NEED(mkdir("many", 0755) == 0);
    for (int index = 0; index < 300; index++) {
        snprintf(name, sizeof name, "many/entry-%d", index);
        NEED(write_file(name, name) == 0);
    }
    DIR *directory = opendir("many");
    NEED(directory != NULL);
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) found += entry->d_name[0] != '.';
    closedir(directory);
    NEED(found == 300);
    NEED(rmdir("many") != 0 && errno == ENOTEMPTY);
    return 0;
}

static int check_allocation(void) {
    struct stat status;
    struct statvfs space;
    int fd = open("allocated", O_CREAT | O_RDWR, 0600);
    NEED(fd >= 0 && posix_fallocate(fd, 0, 1 << 20) == 0);
    NEED(fsync(fd) == 0);
    NEED(fstat(fd, &status) == 0 && status.st_blocks >= 2048);
    NEED(statvfs(".", &space) == 0 && space.f_blocks > 0 && space.f_bavail > 0);
    return close(fd);
}

static const struct {
    const char *name;
    int (*run)(void);
} checks[] = {
    {"fifo", check_fifo},
    {"socket", check_socket},
    {"unlinked", check_unlinked},
    {"truncate", check_truncate},
    {"append", check_append},
    {"rename", check_rename},
    {"image-files", check_image_files},
    {"hard-link", check_hard_link},
    {"symbolic-link", check_symbolic_link},
    {"mode-and-owner", check_mode_and_owner},
    {"sticky", check_sticky},
    {"devices", check_devices},
    {"foreign-devices", check_foreign_devices},
    {"contained", check_contained},
    {"flock", check_flock},
    {"record-lock", check_record_lock},
    {"shared-mapping", check_shared_mapping},
    {"attributes", check_attributes},
    {"many-entries", check_many_entries},
    {"allocation", check_allocation},
};

static int notify(const char *text) {
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (!path || strlen(path) >= sizeof address.sun_path) return 1;
    strcpy(address.sun_path, path);
    socklen_t length = offsetof(struct sockaddr_un, sun_path) + strlen(path);
    if (path[0] == '@') address.sun_path[0] = 0;
    int client = socket(AF_UNIX, SOCK_DGRAM, 0);
    if (sendto(client, text, strlen(text), 0, (struct sockaddr *)&address, length) < 0) {
        perror("probe: sendto");
        return 2;
    }
    // A manager asks who has sent what it reads; so it is to have read that while this process lives (sd_notify_barrier(3)).
    int barrier[2];
    if (pipe(barrier) != 0) return 2;
    char said[] = "BARRIER=1", control[CMSG_SPACE(sizeof(int))] = {0};
    struct iovec part = {said, strlen(said)};
    struct msghdr message = {&address, length, &part, 1, control, sizeof control, 0};
    struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(rights), &barrier[1], sizeof(int));
    if (sendmsg(client, &message, 0) < 0) {
        perror("probe: sendmsg");
        return 2;
    }
    close(barrier[1]);
    struct pollfd end = {barrier[0], 0, 0};
    return poll(&end, 1, 30000) == 1 ? 0 : 3;
}

int main(int argc, char **argv) {
    int failures = 0;
    if (argc == 3 && strcmp(argv[1], "--notify") == 0) return notify(argv[2]);
    umask(022);
    if (chdir(argc > 1 ? argv[1] : "/work") != 0) {
        perror("probe: chdir");
        return 100;
    }
    for (size_t index = 0; index < sizeof checks / sizeof *checks; index++) {
        errno = 0;
        reason = "the last call";
        if (checks[index].run() == 0) {
            printf("ok %s\n", checks[index].name);
        } else {
            printf("FAILED %s: %s: %s\n", checks[index].name, reason, strerror(errno));
            failures++;
        }
    }
    return failures;
}
