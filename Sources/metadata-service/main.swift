// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import MetadataService

exit(ServiceProgram.run(arguments: Array(CommandLine.arguments.dropFirst())))
