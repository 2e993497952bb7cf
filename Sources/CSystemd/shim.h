// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

#ifndef RKT_CSYSTEMD_SHIM_H
#define RKT_CSYSTEMD_SHIM_H

#include <systemd/sd-bus.h>

#endif
