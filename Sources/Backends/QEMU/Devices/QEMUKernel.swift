// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import SystemPackage

/// `-kernel` and `-append`: direct boot without a boot loader; an ELF kernel starts at its PVH entry.
struct QEMUKernel: QEMUOption {
    let path: FilePath
    let commandLine: String

    var arguments: [QEMUArgument] {
        [QEMUArgument("-kernel", path.string), QEMUArgument("-append", commandLine)]
    }
}
