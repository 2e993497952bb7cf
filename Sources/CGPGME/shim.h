// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

#ifndef RKT_CGPGME_SHIM_H
#define RKT_CGPGME_SHIM_H

#include <gpgme.h>

#endif
