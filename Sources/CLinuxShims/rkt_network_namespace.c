// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

#include "rkt_network_namespace.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

// netdevice(7); everything is given back when the process ends.
static int bring_loopback_up(void) {
    struct ifreq request = {.ifr_name = "lo"};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || ioctl(fd, SIOCGIFFLAGS, &request) < 0) return -1;
    request.ifr_flags |= IFF_UP;
    return ioctl(fd, SIOCSIFFLAGS, &request);
}

static int make(const char *path) {
    if (unshare(CLONE_NEWNET) < 0 || bring_loopback_up() < 0) return errno;
    if (mount("/proc/self/ns/net", path, NULL, MS_BIND, NULL) < 0) return errno;
    return 0;
}

int rkt_make_network_namespace(const char *path) {
    int report[2];
    if (pipe2(report, O_CLOEXEC) < 0) return -errno;
    sigset_t all, before;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    pid_t pid = fork();
    if (pid == 0) {
        int error = make(path);
        (void)!write(report[1], &error, sizeof error);
        _exit(0);
    }
    int failure = errno;
    sigprocmask(SIG_SETMASK, &before, NULL);
    close(report[1]);
    if (pid < 0) {
        close(report[0]);
        return -failure;
    }
    ssize_t count;
    do count = read(report[0], &failure, sizeof failure);
    while (count < 0 && errno == EINTR);
    close(report[0]);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) continue;
    return count == sizeof failure ? -failure : -EIO;
}
