// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

