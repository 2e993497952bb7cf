// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import CSeccomp
import Diagnostics
import LinuxPlatform
import SystemPackage

/// Filters in the form that the kernel executes: classic BPF (seccomp(2)), through libseccomp.
package enum SystemCallProgram {
    /// The system calls of this architecture that libseccomp knows, by number.
    static let known: [(number: Int32, name: String)] = (0..<Int32(1024)).compactMap { number in
        guard let name = seccomp_syscall_resolve_num_arch(seccomp_arch_native(), number) else { return nil }
        defer { free(name) }
        return (number, String(cString: name))
    }

    package static let knownNames = Set(known.map(\.name))

    /// The instructions of a filter, eight bytes each (`struct sock_filter`).
    package static func compile(_ filter: SystemCallFilter) throws -> [UInt8] {
        let blocked = filter.error.map { rkt_seccomp_error(UInt16(clamping: $0)) } ?? rkt_seccomp_kill()
        let (others, these) =
            filter.mode == .retain ? (blocked, rkt_seccomp_allow()) : (rkt_seccomp_allow(), blocked)
        guard let context = seccomp_init(others) else { throw RuntimeError(.internal, "libseccomp cannot start") }
        defer { seccomp_release(context) }
        // The program that runs the app decides on no-new-privileges.
        try check(seccomp_attr_set(context, SCMP_FLTATR_CTL_NNP, 0), "set an attribute of")
        // A search tree instead of a list.
        try check(seccomp_attr_set(context, SCMP_FLTATR_CTL_OPTIMIZE, 2), "set an attribute of")
        let listed = filter.listed(known: knownNames)
        for call in known where listed.contains(call.name) {
            let result = seccomp_rule_add_array(context, these, call.number, 0, nil)
            // EACCES: the rule says what holds anyway.
            if result != -EACCES { try check(result, "add \(call.name) to") }
        }
        return try newerCallsAreMissing + exported(context)
    }

    private static func exported(_ context: scmp_filter_ctx) throws -> [UInt8] {
        // A program of the most instructions that Linux takes, 4096, fits into a pipe. Its end comes when nobody else has
        // the writer's end, which what another thread starts meanwhile would keep.
        let pipe = try FileDescriptor.pipe(options: .closeOnExec)
        defer { try? pipe.readEnd.close() }
        let result = seccomp_export_bpf(context, pipe.writeEnd.rawValue)
        try pipe.writeEnd.close()
        try check(result, "compile")
        return try FileSystem.read(pipe.readEnd, "system call filter", limit: 64 << 10)
    }

    private static func check(_ result: Int32, _ step: String) throws {
        guard result < 0 else { return }
        throw RuntimeError(.internal, "cannot \(step) a system call filter", cause: Errno(rawValue: -result))
    }

    /// Calls newer than libseccomp fail with ENOSYS, as on an older kernel, so that programs fall back to what they know.
    private static var newerCallsAreMissing: [UInt8] {
        let last = UInt32(known.last?.number ?? 0)
        let native = seccomp_arch_native()
        let instructions: [(code: UInt16, yes: UInt8, no: UInt8, value: UInt32)] = [
            // Load the architecture; another one is the rest's business.
            (0x20, 0, 0, 4), (0x15, 0, 3, native),
            // Load the number of the call.
            (0x20, 0, 0, 0), (0x25, 0, 1, last),
            // SECCOMP_RET_ERRNO
            (0x06, 0, 0, 0x0005_0000 | UInt32(ENOSYS)),
        ]
        return instructions.flatMap { instruction in
            withUnsafeBytes(of: instruction.code.littleEndian, Array.init) + [instruction.yes, instruction.no]
                + withUnsafeBytes(of: instruction.value.littleEndian, Array.init)
        }
    }
}
