// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

#include "rkt_netlink.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/if_tun.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static int fail(int fd) {
    int error = errno;
    close(fd);
    return -error;
}

int rkt_netlink_open(void) {
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (fd < 0) return -errno;
    int on = 1;
    // Old kernels explain nothing, or repeat requests in their answers.
    setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof on);
    setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on);
    struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    if (connect(fd, (struct sockaddr *)&kernel, sizeof kernel) < 0) return fail(fd);
    return fd;
}

int rkt_tap_open(const char *pattern, char *name) {
    struct ifreq request;
    memset(&request, 0, sizeof request);
    if (strlen(pattern) >= sizeof request.ifr_name) return -ENAMETOOLONG;
    strcpy(request.ifr_name, pattern);
    request.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
    int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return -errno;
    if (ioctl(fd, TUNSETIFF, &request) < 0) return fail(fd);
    memcpy(name, request.ifr_name, sizeof request.ifr_name);
    return fd;
}

int rkt_tap_make_plain(int fd) {
    struct ifreq request;
    int size = 0;
    memset(&request, 0, sizeof request);
    if (ioctl(fd, TUNSETOFFLOAD, 0UL) < 0 || ioctl(fd, TUNGETIFF, &request) < 0) return -errno;
    if (!(request.ifr_flags & IFF_VNET_HDR)) return 0;
    return ioctl(fd, TUNGETVNETHDRSZ, &size) < 0 ? -errno : size;
}

int rkt_load_filter_program(const void *instructions, unsigned int count) {
    union bpf_attr attributes;
    memset(&attributes, 0, sizeof attributes);
    attributes.prog_type = BPF_PROG_TYPE_SCHED_CLS;
    attributes.insns = (uint64_t)(uintptr_t)instructions;
    attributes.insn_cnt = count;
    attributes.license = (uint64_t)(uintptr_t)"Apache-2.0";
    int fd = (int)syscall(SYS_bpf, BPF_PROG_LOAD, &attributes, sizeof attributes);
    return fd < 0 ? -errno : fd;
}
