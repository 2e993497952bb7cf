// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Downloader
import Glibc

exit(Downloader.run(arguments: Array(CommandLine.arguments.dropFirst())))
