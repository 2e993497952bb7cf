// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

#ifndef RKT_NETLINK_H
#define RKT_NETLINK_H

// Brings the named network interface up over rtnetlink(7).
int rkt_link_up(const char *name);

#endif
