// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

#include "rkt_namespaces.h"
#include "rkt_process.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

struct failure {
    int error;
    int step;
};

static void fail(int report, int step) {
    struct failure failure = {errno, step};
    (void)!write(report, &failure, sizeof failure);
    _exit(127);
}

// Runs in the child. Moves every wanted descriptor out of the way first, so that no dup2 overwrites a later source.
static void arrange_descriptors(const struct rkt_spawn_request *spawn, int *report) {
    int count = spawn->descriptor_count;
    int *sources = alloca(sizeof(int) * (size_t)(count + 1));
    int moved = fcntl(*report, F_DUPFD_CLOEXEC, count + 1);
    if (moved < 0) fail(*report, 1);
    close(*report);
    *report = moved;
    for (int i = 0; i < count; i++) {
        sources[i] = -1;
        if (spawn->descriptors[i] < 0) continue;
        sources[i] = fcntl(spawn->descriptors[i], F_DUPFD_CLOEXEC, count + 1);
        if (sources[i] < 0) fail(*report, 1);
    }
    for (int i = 0; i < count; i++) {
        if (sources[i] < 0) {
            close(i);
        } else if (dup2(sources[i], i) < 0) {
            fail(*report, 1);
        }
    }
    // Everything else closes at exec.
    if (syscall(SYS_close_range, count, ~0U, 4 /* CLOSE_RANGE_CLOEXEC, Linux 5.11 */) < 0) {
        for (int fd = count; fd < 1024; fd++) fcntl(fd, F_SETFD, FD_CLOEXEC);
    }
}

// Ambient capabilities outlive execve(2) (capabilities(7), Linux 4.3).
static void keep_capabilities(uint64_t kept, int report) {
    int result = rkt_set_capabilities(kept, kept, kept);
    if (result < 0) {
        errno = -result;
        fail(report, 6);
    }
    for (unsigned long capability = 0; capability < 64; capability++) {
        if (!(kept & (1ULL << capability))) continue;
        if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0) < 0) fail(report, 6);
    }
}

// Never raises what was inherited, which takes a capability.
static int lower_limit(const struct rkt_spawn_limit *limit) {
    struct rlimit now;
    if (getrlimit(limit->resource, &now) < 0) return -1;
    if (now.rlim_cur > limit->value) now.rlim_cur = limit->value;
    if (now.rlim_max > limit->value) now.rlim_max = limit->value;
    return setrlimit(limit->resource, &now);
}

static int make_read_only(const char *path) {
    if (mount(path, path, NULL, MS_BIND | MS_REC, NULL) < 0) return -1;
    int result = rkt_make_mounts_read_only(AT_FDCWD, path);
    if (result < 0) errno = -result;
    return result;
}

// The kernel takes a context in one write only, and from the process that has opened the file, as it is then.
static int write_label(const char *path, const char *label) {
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) return -1;
    size_t length = strlen(label);
    ssize_t count = write(fd, label, length);
    if (count >= 0 && (size_t)count != length) {
        errno = EIO;
        count = -1;
    }
    // The descriptor closes at exec.
    return count < 0 ? -1 : 0;
}

// Whether the process that holds the other end of the report has ended.
static int is_orphan(int report) {
    struct pollfd end = {.fd = report};
    return poll(&end, 1, 0) == 1 && (end.revents & POLLERR);
}

static void child(const struct rkt_spawn_request *spawn, int report) {
    for (int i = 0; i < spawn->group_file_count; i++) {
        if (write(spawn->group_files[i], "0\n", 2) != 2) fail(report, 10);
    }
    if (spawn->network_namespace && setns(spawn->network_namespace, CLONE_NEWNET) < 0) fail(report, 11);
    arrange_descriptors(spawn, &report);

    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = SIG_DFL;
    for (int number = 1; number < 65; number++) sigaction(number, &action, NULL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);

    if (spawn->new_session) {
        if (setsid() < 0) fail(report, 2);
        if (isatty(0) && ioctl(0, TIOCSCTTY, 0) < 0) fail(report, 2);
    }
    if (spawn->private_mounts) {
        if (unshare(CLONE_NEWNS) < 0) fail(report, 3);
        // What is mounted outside later goes on appearing here, where the mount that it is beneath is shared.
        if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0) fail(report, 3);
    }
    // The processes that /proc shows are to be those that the program can name.
    if (spawn->private_processes && mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0) {
        fail(report, 3);
    }
    for (char *const *path = spawn->read_only; path && *path; path++) {
        if (make_read_only(*path) < 0) fail(report, 9);
    }
    if (spawn->root && chroot(spawn->root) < 0) fail(report, 4);
    if (spawn->root && chdir("/") < 0) fail(report, 4);
    if (spawn->directory && chdir(spawn->directory) < 0) fail(report, 5);
    if (spawn->set_user) {
        if (spawn->capabilities && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0) fail(report, 6);
        if (setgroups((size_t)spawn->group_count, spawn->groups) < 0) fail(report, 6);
        if (setresgid(spawn->gid, spawn->gid, spawn->gid) < 0) fail(report, 6);
        if (setresuid(spawn->uid, spawn->uid, spawn->uid) < 0) fail(report, 6);
        if (spawn->capabilities) keep_capabilities(spawn->capabilities, report);
    }
    // A change of credentials clears the parent-death signal, so it comes after; the parent may be gone already.
    if (spawn->parent_death_signal) {
        if (prctl(PR_SET_PDEATHSIG, spawn->parent_death_signal) < 0) fail(report, 7);
        if (is_orphan(report)) {
            errno = ESRCH;
            fail(report, 7);
        }
    }
    for (int i = 0; i < spawn->limit_count; i++) {
        if (lower_limit(&spawn->limits[i]) < 0) fail(report, 12);
    }
    if (spawn->label && write_label(spawn->label_file, spawn->label) < 0) fail(report, 13);
    // A file that this program has just written is busy as long as a child of another thread, which is not at its own
    // execve yet, has the descriptor too: for a moment, at the end of which nothing wakes anybody.
    const struct timespec moment = {.tv_nsec = 5000000};
    for (int tries = 0; tries < 600; tries++) {
        execve(spawn->path, spawn->argv, spawn->envp);
        if (errno != ETXTBSY) break;
        nanosleep(&moment, NULL);
    }
    fail(report, 8);
}

int rkt_spawn(const struct rkt_spawn_request *spawn, int *pidfd, int *failed_step) {
    int report[2];
    *failed_step = 0;
    if (pipe2(report, O_CLOEXEC) < 0) return -errno;
    sigset_t all, before;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    // What the child does before exec needs nothing of what fork(3) does besides clone(2).
    pid_t pid = spawn->private_processes ? (pid_t)syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, NULL, NULL, NULL, NULL) : fork();
    if (pid == 0) {
        close(report[0]);
        child(spawn, report[1]);
    }
    int error = errno;
    sigprocmask(SIG_SETMASK, &before, NULL);
    close(report[1]);
    if (pid < 0) {
        close(report[0]);
        return -error;
    }
    struct failure failure;
    ssize_t count;
    do count = read(report[0], &failure, sizeof failure);
    while (count < 0 && errno == EINTR);
    close(report[0]);
    if (count == sizeof failure) {
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) continue;
        *failed_step = failure.step;
        return -failure.error;
    }
    *pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (*pidfd < 0) {
        error = errno;
        kill(pid, SIGKILL);
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) continue;
        return -error;
    }
    return pid;
}

int rkt_pidfd_open(pid_t pid) {
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    return fd < 0 ? -errno : fd;
}

int rkt_pidfd_send_signal(int pidfd, int signal) {
    return syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0) < 0 ? -errno : 0;
}

int rkt_pidfd_wait(int pidfd, int no_hang, int *code, int *status) {
    siginfo_t info;
    int result;
    memset(&info, 0, sizeof info);
    do result = waitid((idtype_t)P_PIDFD, (id_t)pidfd, &info, WEXITED | (no_hang ? WNOHANG : 0));
    while (result < 0 && errno == EINTR);
    if (result < 0) return -errno;
    if (info.si_pid == 0) return 0;
    *code = info.si_code;
    *status = info.si_status;
    return 1;
}

int rkt_set_close_on_exec(int fd, int on) { return fcntl(fd, F_SETFD, on ? FD_CLOEXEC : 0) < 0 ? -errno : 0; }

int rkt_close_from(int first) { return syscall(SYS_close_range, first, ~0U, 0) < 0 ? -errno : 0; }

int rkt_signalfd(uint64_t mask) {
    sigset_t set;
    sigemptyset(&set);
    for (int number = 1; number <= 64; number++) {
        if (mask & (1ULL << (number - 1))) sigaddset(&set, number);
    }
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0) return -errno;
    int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int rkt_signalfd_read(int fd) {
    struct signalfd_siginfo info;
    ssize_t count;
    do count = read(fd, &info, sizeof info);
    while (count < 0 && errno == EINTR);
    if (count < 0) return errno == EAGAIN ? 0 : -errno;
    return count == sizeof info ? (int)info.ssi_signo : 0;
}

int rkt_unblock_signals(void) {
    sigset_t none;
    sigemptyset(&none);
    return sigprocmask(SIG_SETMASK, &none, NULL) < 0 ? -errno : 0;
}

int rkt_sigrtmin(void) { return SIGRTMIN; }

int rkt_open_terminal(char *slave_path, int slave_path_size) {
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (master < 0) return -errno;
    if (grantpt(master) < 0 || unlockpt(master) < 0 || ptsname_r(master, slave_path, (size_t)slave_path_size) != 0) {
        int error = errno;
        close(master);
        return -error;
    }
    return master;
}
