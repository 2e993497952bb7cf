// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import AppContainer
import Diagnostics
import LinuxPlatform
import SystemPackage

/// The program's end of its channel to the supervisor: lines as on a control channel of QEMU, whose events are passed on.
package final class KeeperChannel {
    private let descriptor: FileDescriptor
    private var buffer: [UInt8] = []

    /// Bytes of the details of an event; those that are longer are left out.
    private static let longestDetails = 32 << 10
    /// Bytes of a command.
    private static let longestCommand = 4 << 10

    /// - Parameter descriptor: a stream socket.
    package init(_ descriptor: FileDescriptor) {
        self.descriptor = descriptor
    }

    /// The domain runs.
    ///
    /// - Parameters:
    ///   - hypervisor: its version as libvirt counts, with three digits for each but the first part.
    ///   - library: the same of libvirt.
    package func sendStarted(hypervisor: UInt, library: UInt) {
        var numbers = JSONObject()
        numbers.set("major", JSONValue(hypervisor / 1_000_000))
        numbers.set("minor", JSONValue(hypervisor / 1000 % 1000))
        numbers.set("micro", JSONValue(hypervisor % 1000))
        var version = JSONObject()
        version.set("qemu", .object(numbers))
        version.set("package", .string("libvirt \(library / 1_000_000).\(library / 1000 % 1000).\(library % 1000)"))
        send(["QMP": ["version": .object(version)]])
    }

    /// The domain does not run, and why.
    package func sendFailure(_ reason: String) { send(["error": ["desc": .string(reason)]]) }

    /// An event of QEMU's.
    ///
    /// - Parameter details: a JSON object.
    package func sendEvent(_ name: String, details: String?) {
        var event = JSONObject()
        event.set("event", .string(name))
        if let details, details.utf8.count <= Self.longestDetails,
            let data = try? JSONValue(parsing: Array(details.utf8))
        {
            event.set("data", data)
        }
        send(.object(event))
    }

    /// Whether the details of QEMU's SHUTDOWN event tell of the guest's own doing.
    package static func isOfGuest(_ details: String?) -> Bool {
        guard let details, details.utf8.count <= longestDetails else { return false }
        return (try? JSONValue(parsing: Array(details.utf8)))?["guest"]?.bool ?? false
    }

    /// A supervisor that does not read for long is as good as none: the line is left out, and the program's end tells it
    /// enough.
    private func send(_ value: JSONValue) {
        let line = Array((value.encoded(pretty: false) + "\n").utf8)
        // SAFETY: the array outlives the call, which reads its length.
        _ = line.withUnsafeBytes {
            Glibc.send(descriptor.rawValue, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
        }
    }

    package enum Command: Equatable {
        case powerButton
        /// The supervisor has gone, or has said something without sense.
        case end
    }

    /// The commands that have come.
    package func receive() -> [Command] {
        var portion = [UInt8](repeating: 0, count: Self.longestCommand)
        // SAFETY: the buffer outlives the call, which writes at most its length.
        let count = portion.withUnsafeMutableBytes {
            recv(descriptor.rawValue, $0.baseAddress, $0.count, Int32(MSG_DONTWAIT))
        }
        if count < 0, [.wouldBlock, .interrupted].contains(lastErrno) { return [] }
        guard count > 0 else { return [.end] }
        buffer += portion[..<count]
        var commands: [Command] = []
        while let end = buffer.firstIndex(of: UInt8(ascii: "\n")) {
            let value = try? JSONValue(parsing: buffer[..<end])
            commands.append(value?["execute"]?.string == "system_powerdown" ? .powerButton : .end)
            buffer.removeSubrange(...end)
        }
        return buffer.count > Self.longestCommand ? [.end] : commands
    }
}
