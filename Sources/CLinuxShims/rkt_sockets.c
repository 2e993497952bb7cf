// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

#include "rkt_sockets.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

static int make(const char *path, int type, struct sockaddr_un *address) {
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    if (strlen(path) >= sizeof address->sun_path) return -ENAMETOOLONG;
    strcpy(address->sun_path, path);
    int fd = socket(AF_UNIX, (type == RKT_SOCKET_DATAGRAM ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);
    return fd < 0 ? -errno : fd;
}

int rkt_unix_listen(const char *path, int type, int mode) {
    struct sockaddr_un address;
    int fd = make(path, type, &address);
    if (fd < 0) return fd;
    // What bind(2) makes has the mode of the descriptor, less umask(2), which is of all threads: what that takes away is
    // given back afterwards.
    if ((mode >= 0 && fchmod(fd, (mode_t)mode) < 0) ||
        bind(fd, (struct sockaddr *)&address, sizeof address) < 0 ||
        (mode >= 0 && fchmodat(AT_FDCWD, path, (mode_t)mode, AT_SYMLINK_NOFOLLOW) < 0) ||
        (type == RKT_SOCKET_STREAM && listen(fd, 64) < 0)) {
        int error = errno;
        close(fd);
        return -error;
    }
    return fd;
}

int rkt_unix_connect(const char *path, int type) {
    struct sockaddr_un address;
    int fd = make(path, type, &address);
    if (fd < 0) return fd;
    if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0) {
        int error = errno;
        close(fd);
        return -error;
    }
    return fd;
}

int rkt_unix_connect_within(const char *path, int milliseconds) {
    struct sockaddr_un address;
    int fd = make(path, RKT_SOCKET_STREAM, &address);
    if (fd < 0) return fd;
    struct timeval limit = {milliseconds / 1000, milliseconds % 1000 * 1000};
    // No time at all would be no limit.
    if (milliseconds <= 0) limit.tv_usec = 1;
    int status = setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (status == 0) {
        do status = connect(fd, (struct sockaddr *)&address, sizeof address);
        while (status < 0 && errno == EINTR);
    }
    if (status < 0) {
        int error = errno;
        close(fd);
        return -error;
    }
    return fd;
}

int rkt_unix_accept(int fd, uid_t *peer) {
    int connection;
    do connection = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
    while (connection < 0 && errno == EINTR);
    if (connection < 0) return -errno;
    struct ucred credentials;
    socklen_t length = sizeof credentials;
    if (getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &credentials, &length) < 0) {
        int error = errno;
        close(connection);
        return -error;
    }
    *peer = credentials.uid;
    return connection;
}

int rkt_socketpair(int pair[2]) {
    return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0 ? -errno : 0;
}

ssize_t rkt_send_descriptor(int fd, const void *bytes, size_t length, int descriptor) {
    struct iovec part = {(void *)bytes, length};
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control;
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (descriptor >= 0) {
        memset(&control, 0, sizeof control);
        message.msg_control = &control;
        message.msg_controllen = sizeof control;
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
    }
    ssize_t count;
    do count = sendmsg(fd, &message, MSG_NOSIGNAL);
    while (count < 0 && errno == EINTR);
    return count < 0 ? -errno : count;
}

ssize_t rkt_receive_descriptor(int fd, void *bytes, size_t length, int *descriptor) {
    struct iovec part = {bytes, length};
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control;
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    *descriptor = -1;
    ssize_t count;
    do count = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
    while (count < 0 && errno == EINTR);
    if (count < 0) return -errno;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS &&
        header->cmsg_len == CMSG_LEN(sizeof(int))) {
        memcpy(descriptor, CMSG_DATA(header), sizeof *descriptor);
    }
    return count;
}

ssize_t rkt_send(int fd, const void *bytes, size_t length) {
    ssize_t count;
    do count = send(fd, bytes, length, MSG_NOSIGNAL);
    while (count < 0 && errno == EINTR);
    return count < 0 ? -errno : count;
}

int rkt_set_nonblocking(int fd, int on) {
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0) return -errno;
    return fcntl(fd, F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK) < 0 ? -errno : 0;
}
