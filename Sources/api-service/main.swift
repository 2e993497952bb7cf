// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import APIService
import Glibc

exit(APIServer.run(Array(CommandLine.arguments.dropFirst())))
