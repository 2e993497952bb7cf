// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// `-kernel`, `-initrd` and `-append`: direct boot without a boot loader; an ELF kernel starts at its PVH entry.
struct QEMUKernel: QEMUOption {
    /// QEMU's user cannot reach the file by its path. `/dev/fdset` does not serve: the kernel is opened by open(2) itself.
    let descriptor: Int
    let initrd: Int?
    let commandLine: String

    var arguments: [QEMUArgument] {
        [QEMUArgument("-kernel", "/proc/self/fd/\(descriptor)")]
            + (initrd.map { [QEMUArgument("-initrd", "/proc/self/fd/\($0)")] } ?? [])
            + [QEMUArgument("-append", commandLine)]
    }
}
