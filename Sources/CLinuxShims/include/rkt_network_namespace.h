// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

#ifndef RKT_NETWORK_NAMESPACE_H
#define RKT_NETWORK_NAMESPACE_H

// Makes a network namespace with its loopback interface up, and mounts it at the existing file `path`. A process of its own
// does so: the caller stays in its namespace, whatever threads it has.
int rkt_make_network_namespace(const char *path);

#endif
