// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

// System calls and macros that Swift cannot reach. Every function returns a non-negative result, or a negative errno.

#ifndef RKT_LINUX_SHIMS_H
#define RKT_LINUX_SHIMS_H

#include "rkt_files.h"
#include "rkt_modules.h"
#include "rkt_namespaces.h"
#include "rkt_netlink.h"
#include "rkt_network_namespace.h"
#include "rkt_process.h"
#include "rkt_processors.h"
#include "rkt_sockets.h"

#endif
