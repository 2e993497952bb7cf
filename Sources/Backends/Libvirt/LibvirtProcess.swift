// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import LinuxPlatform
import SystemPackage

/// QEMU of a domain, which is libvirt's child: known by its arguments, awaited and killed by its descriptor.
package enum LibvirtProcess {
    /// Bytes; more than any QEMU of ours has as arguments.
    private static let longestCommandLine = 256 << 10
    /// Milliseconds in which libvirt has ended a domain whose keeper is gone, or something is wrong with it.
    private static let patience = 5_000
    /// Milliseconds for a process to end that was killed.
    private static let killPatience = 5_000

    /// Whether the arguments are those of the QEMU of the domain with this name.
    package static func isEmulator(_ arguments: some Collection<UInt8>, of name: String) -> Bool {
        let words = arguments.split(separator: 0, omittingEmptySubsequences: false)
        guard let place = words.firstIndex(where: { $0.elementsEqual("-name".utf8) }), place + 1 < words.count else {
            return false
        }
        let value = words[place + 1].split(separator: UInt8(ascii: ","))
        return value.contains { $0.elementsEqual("guest=\(name)".utf8) }
    }

    /// Whether a process is a user in every respect.
    ///
    /// - Parameter status: text of its file `status` (proc(5)).
    package static func isRun(by user: UInt32, _ status: String) -> Bool {
        guard let line = status.split(separator: "\n").first(where: { $0.hasPrefix("Uid:") }) else { return false }
        let numbers = line.split(whereSeparator: \.isWhitespace).dropFirst()
        return numbers.count == 4 && numbers.allSatisfy { $0 == "\(user)" }
    }

    /// The running processes of the domain with this name: one, or none.
    ///
    /// - Parameter user: who they are; nil for anybody, who may also be somebody with such arguments.
    static func find(_ name: String, of user: UInt32? = nil) throws -> [ChildProcess] {
        try FileSystem.list("/proc").filter { $0.utf8.allSatisfy { $0 >= 0x30 && $0 <= 0x39 } }.compactMap { number in
            guard let pid = Int32(number), isRunning(pid, name, user), let process = try? ChildProcess(pid: pid) else {
                return nil
            }
            // The number may have become another's before the process was opened.
            guard isRunning(pid, name, user) else {
                process.close()
                return nil
            }
            return process
        }
    }

    private static func isRunning(_ pid: Int32, _ name: String, _ user: UInt32?) -> Bool {
        let directory = FilePath("/proc/\(pid)")
        guard let arguments = try? FileSystem.read(directory.appending("cmdline"), limit: longestCommandLine),
            isEmulator(arguments, of: name)
        else { return false }
        guard let user else { return true }
        return (try? FileSystem.readText(directory.appending("status"))).map { isRun(by: user, $0) } ?? false
    }

    /// Waits until the process has ended; one that does not in time is killed.
    ///
    /// - Throws: `.timeout` when it survives that.
    static func end(_ process: ChildProcess, patience: Int) throws {
        if try hasEnded(process, within: patience) { return }
        try process.signal(9)
        guard try hasEnded(process, within: killPatience) else {
            throw RuntimeError(.timeout, "qemu (process \(process.pid)) does not end although it was killed")
        }
    }

    private static func hasEnded(_ process: ChildProcess, within patience: Int) throws -> Bool {
        let deadline = Clock.milliseconds + patience
        while true {
            let left = max(0, deadline - Clock.milliseconds)
            if try !Poll.wait([(process.pidfd, .read)], timeout: left).isEmpty { return true }
            if left == 0 { return false }
        }
    }

    /// Ends what is left of a domain whose keeper is gone. Safe to repeat.
    static func endAll(of name: String) throws {
        let processes = try find(name)
        defer { for process in processes { process.close() } }
        // All of them together: whoever starts processes with such arguments must not hold up others.
        let deadline = Clock.milliseconds + patience
        for process in processes { try end(process, patience: max(0, deadline - Clock.milliseconds)) }
    }

    /// Whether the system calls of a process are filtered (proc(5), `Seccomp`).
    static func isFiltered(_ process: ChildProcess) throws -> Bool {
        let text = try FileSystem.readText(FilePath("/proc/\(process.pid)/status"))
        return text.split(separator: "\n").contains("Seccomp:\t2")
    }
}
