// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import GRPCNIOTransportHTTP2Posix

enum Placeholder {}
