// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

#ifndef RKT_SOCKETS_H
#define RKT_SOCKETS_H

#include <stddef.h>
#include <sys/types.h>

// unix(7) sockets; paths are at most 107 bytes. All descriptors are close-on-exec.
#define RKT_SOCKET_STREAM 1
#define RKT_SOCKET_DATAGRAM 2
// The socket has this mode from its first moment, whatever umask(2) says; -1 leaves it to umask(2).
int rkt_unix_listen(const char *path, int type, int mode);
int rkt_unix_connect(const char *path, int type);
// For a stream: -EAGAIN when the listener has no room for another connection within so many milliseconds.
int rkt_unix_connect_within(const char *path, int milliseconds);
// accept4(2), or -EAGAIN. The peer's user id (SO_PEERCRED) is stored.
int rkt_unix_accept(int fd, uid_t *peer);
int rkt_socketpair(int pair[2]);
// Sends `length` bytes with one descriptor attached (SCM_RIGHTS); receives likewise, `*descriptor` is -1 without one.
ssize_t rkt_send_descriptor(int fd, const void *bytes, size_t length, int descriptor);
ssize_t rkt_receive_descriptor(int fd, void *bytes, size_t length, int *descriptor);
// send(2) with MSG_NOSIGNAL.
ssize_t rkt_send(int fd, const void *bytes, size_t length);
int rkt_set_nonblocking(int fd, int on);

#endif
