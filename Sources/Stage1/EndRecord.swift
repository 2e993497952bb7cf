// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import AppContainer
import Diagnostics
import LinuxPlatform
import PodStore
import SystemPackage

/// How a pod ended, kept in its directory for `rkt status`.
package struct EndRecord {
    /// One word.
    var cause: String
    var status: Int32
    var message: String?
    /// The last lines of the guest's console and of the hypervisor, where they may explain the end.
    var console: [String] = []
    var hypervisor: [String] = []

    /// Ends a pod whose machine was not started, or not supervised to its end: the reason is recorded and thrown on.
    package static func keeping<Value>(in pod: PodLayout, _ body: () throws -> Value) throws -> Value {
        // Where the process ends up the path may mean a place in an image.
        let directory = try? FileDescriptor.open(pod.directory, .readOnly, options: [.directory, .closeOnExec])
        defer { try? directory?.close() }
        do {
            return try body()
        } catch {
            // What the supervisor has recorded is nearer to the truth.
            if let directory, let name = pod.endRecord.lastComponent?.string, isMissing(name, in: directory) {
                try? FileSystem.writeAtomically(of(error).bytes, to: name, in: directory)
            }
            throw error
        }
    }

    /// Ends a process that does not become the app which is all there is of its pod. It may have the app's root and user
    /// by then, and can make nothing in the pod's directory: the file is made before. It stays empty if nothing fails.
    package static func keepingUntilApp<Value>(in pod: PodLayout, _ body: () throws -> Value) throws -> Value {
        let flags = O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC
        let descriptor = open(pod.endRecord.string, flags, 0o644)
        guard descriptor >= 0 else { throw RuntimeError.systemCall("open", pod.endRecord, lastErrno) }
        let file = FileDescriptor(rawValue: descriptor)
        defer { try? file.close() }
        do {
            return try body()
        } catch {
            try? FileSystem.writeAll(of(error).bytes, to: file)
            throw error
        }
    }

    private static func of(_ failure: any Error) -> EndRecord {
        EndRecord(
            cause: "start-failed", status: (failure as? ProgramFailure)?.status ?? ExitStatus.error,
            message: String(PrintableText.line("\(failure)").prefix(1000)))
    }

    /// Whether nothing is recorded yet, as far as this process may look.
    private static func isMissing(_ name: String, in directory: FileDescriptor) -> Bool {
        var status = stat()
        guard fstatat(directory.rawValue, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else {
            return lastErrno == .noSuchFileOrDirectory
        }
        return status.st_size == 0
    }

    func write(to pod: PodLayout) throws { try FileSystem.writeAtomically(bytes, to: pod.endRecord) }

    private var bytes: [UInt8] {
        var end = JSONObject()
        end.set("cause", .string(cause))
        end.set("status", .number("\(status)"))
        if let message { end.set("message", .string(message)) }
        for (key, lines) in [("console", console), ("hypervisor", hypervisor)] where !lines.isEmpty {
            end.set(key, .array(lines.map { .string($0) }))
        }
        return Array((JSONValue.object(end).encoded() + "\n").utf8)
    }
}
