// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

#include "rkt_modules.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

int rkt_load_module(int fd) {
    long result = syscall(SYS_finit_module, fd, "", 0);
    return result < 0 ? -errno : 0;
}
