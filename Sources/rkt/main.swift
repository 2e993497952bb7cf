// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Commands
import Glibc

exit(Program().run(Array(CommandLine.arguments.dropFirst())))
