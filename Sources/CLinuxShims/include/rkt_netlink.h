// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

#ifndef RKT_NETLINK_H
#define RKT_NETLINK_H

// An rtnetlink(7) socket that hears the kernel only, with explanations of errors (NETLINK_EXT_ACK, Linux 4.12).
int rkt_netlink_open(void);

// A tap of one queue with virtio headers in the thread's network namespace. `pattern` is its name, where the kernel puts
// a number for %d; the name is stored, which takes 16 bytes. The descriptor is non-blocking, close-on-exec.
int rkt_tap_open(const char *pattern, char *name);
// Lets the kernel compute checksums and cut segments for whoever reads the tap or macvtap. Returns how many bytes stand
// before each frame, or a negative errno.
int rkt_tap_make_plain(int fd);

// Loads a program for frames (bpf(2), BPF_PROG_TYPE_SCHED_CLS); `instructions` is `count` records of eight bytes (struct
// bpf_insn). The descriptor is close-on-exec.
int rkt_load_filter_program(const void *instructions, unsigned int count);

#endif
