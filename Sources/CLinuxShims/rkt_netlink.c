// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

#include "rkt_netlink.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int rkt_link_up(const char *name) {
    unsigned int index = if_nametoindex(name);
    if (index == 0) return -errno;
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (fd < 0) return -errno;

    struct {
        struct nlmsghdr header;
        struct ifinfomsg link;
    } request = {
        .header = {.nlmsg_len = sizeof request,
                   .nlmsg_type = RTM_NEWLINK,
                   .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK,
                   .nlmsg_seq = 1},
        .link = {.ifi_family = AF_UNSPEC, .ifi_index = (int)index, .ifi_flags = IFF_UP, .ifi_change = IFF_UP},
    };
    union {
        struct nlmsghdr header;
        char bytes[4096];
    } answer;
    int result = 0;
    if (send(fd, &request, sizeof request, 0) < 0) {
        result = -errno;
    } else {
        ssize_t count = recv(fd, &answer, sizeof answer, 0);
        if (count < 0) {
            result = -errno;
        } else if ((size_t)count < sizeof(struct nlmsghdr) + sizeof(struct nlmsgerr) ||
                   answer.header.nlmsg_type != NLMSG_ERROR) {
            result = -EPROTO;
        } else {
            result = ((struct nlmsgerr *)NLMSG_DATA(&answer.header))->error;
        }
    }
    close(fd);
    return result;
}
