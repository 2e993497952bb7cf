// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

#ifndef RKT_PROCESSORS_H
#define RKT_PROCESSORS_H

// The number of processors that the calling process may use (sched_getaffinity(2)), or a negative error number.
int rkt_usable_processors(void);

#endif
