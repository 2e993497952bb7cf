// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

#ifndef RKT_MODULES_H
#define RKT_MODULES_H

// finit_module(2) without parameters and flags: loads the kernel module that the descriptor reads.
int rkt_load_module(int fd);

#endif
