// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import CLinuxShims
import GuestProtocol
import LinuxPlatform
import SystemPackage

/// How systemd says that a service's main process ended (systemd.exec(5), "Environment variables set on service exit").
package struct AppEnd {
    /// Status as it is recorded: the exit status, or 128 plus the signal's number.
    package let status: Int32
    package let cause: GuestMessage.ExitCause

    /// - Parameters:
    ///   - code: $EXIT_CODE, nil when no main process ran.
    ///   - status: $EXIT_STATUS, a number or the name of a signal.
    ///   - result: $SERVICE_RESULT.
    ///   - events: the file `memory.events` of the service's control group or its like, empty when it cannot be read.
    package init(code: String?, status: String?, result: String?, events: String = "") {
        switch (code, status) {
        case ("exited", let status?): self.status = Int32(status) ?? 1
        case (_?, let signal?): self.status = 128 + (Self.number(of: signal) ?? 0)
        default: self.status = result == "success" ? 0 : 1
        }
        switch code {
        case "exited"?, nil: cause = .exited
        case _? where status == "KILL" && Self.killed(events): cause = .outOfMemory
        case _?: cause = .signal
        }
    }

    /// Whether the kernel has killed a process of the group for lack of memory (cgroup-v2.rst, "memory.events").
    private static func killed(_ events: String) -> Bool {
        events.split(separator: "\n").contains { line in
            let words = line.split(separator: " ")
            return words.count == 2 && words[0] == "oom_kill" && words[1] != "0"
        }
    }

    /// What the kernel counts of the control group that this process is in; systemd starts what follows a service's end in
    /// a group beside or below that of the service itself. Version 1 has the same line in another file
    /// (cgroup-v1/memory.rst, "memory.oom_control", Linux 4.13).
    static func ownMemoryEvents() -> String {
        let groups = (try? FileSystem.readText("/proc/self/cgroup", limit: 4096))?.split(separator: "\n") ?? []
        let lines = groups.map { $0.split(separator: ":", omittingEmptySubsequences: false) }.filter { $0.count == 3 }
        let legacy = lines.first { $0[1] == "memory" }
        guard let group = (legacy ?? lines.last)?.last else { return "" }
        let root: FilePath = legacy == nil ? "/sys/fs/cgroup" : "/sys/fs/cgroup/memory"
        let file = legacy == nil ? "memory.events" : "memory.oom_control"
        var path = root.pushing(FilePath(String(group.drop { $0 == "/" })))
        while path.lastComponent?.string.hasSuffix(".service") == false, path.components.count > root.components.count {
            path.removeLastComponent()
        }
        return (try? FileSystem.readText(path.appending(file), limit: 4096)) ?? ""
    }

    /// Signals without a name are written as numbers, real-time ones by their distance from the first.
    private static func number(of signal: String) -> Int32? {
        if let number = signals[signal] { return number }
        var number = Int32(signal)
        if signal == "RTMIN" { number = rkt_sigrtmin() }
        if signal.hasPrefix("RTMIN+") { number = Int32(signal.dropFirst(6)).map { rkt_sigrtmin() &+ $0 } }
        return number.flatMap { (1...64).contains($0) ? $0 : nil }
    }

    private static let signals: [String: Int32] = [
        "HUP": 1, "INT": 2, "QUIT": 3, "ILL": 4, "TRAP": 5, "ABRT": 6, "BUS": 7, "FPE": 8, "KILL": 9, "USR1": 10,
        "SEGV": 11, "USR2": 12, "PIPE": 13, "ALRM": 14, "TERM": 15, "STKFLT": 16, "CHLD": 17, "CONT": 18, "STOP": 19,
        "TSTP": 20, "TTIN": 21, "TTOU": 22, "URG": 23, "XCPU": 24, "XFSZ": 25, "VTALRM": 26, "PROF": 27, "WINCH": 28,
        "IO": 29, "POLL": 29, "PWR": 30, "SYS": 31,
    ]
}
