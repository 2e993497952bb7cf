// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

#ifndef RKT_GUEST_BOOT_H
#define RKT_GUEST_BOOT_H

// Depending on this target is enough: its constructor runs before the Swift runtime starts.

#endif
