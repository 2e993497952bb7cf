// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

#define _GNU_SOURCE
#include "rkt_processors.h"

#include <errno.h>
#include <sched.h>
#include <stddef.h>

// More than any kernel has.
enum { most = 8192 };

int rkt_usable_processors(void) {
    cpu_set_t set[CPU_ALLOC_SIZE(most) / sizeof(cpu_set_t) + 1];
    CPU_ZERO_S(sizeof set, set);
    if (sched_getaffinity(0, sizeof set, set) < 0) return -errno;
    return CPU_COUNT_S(sizeof set, set);
}
