// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

#ifndef RKT_CSECCOMP_SHIM_H
#define RKT_CSECCOMP_SHIM_H

#include <seccomp.h>

// Macros with arguments are not imported.
static inline uint32_t rkt_seccomp_error(uint16_t number) { return SCMP_ACT_ERRNO(number); }
static inline uint32_t rkt_seccomp_kill(void) { return SCMP_ACT_KILL_PROCESS; }
static inline uint32_t rkt_seccomp_allow(void) { return SCMP_ACT_ALLOW; }

#endif
