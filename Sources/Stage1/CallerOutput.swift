// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import LinuxPlatform
import SystemPackage

/// A descriptor that the caller has given for output, written to without ever waiting for its reader.
///
/// Other programs may share it, so its own mode stays as it is: a pipe or terminal is opened once more, and a socket is
/// told with each call.
final class CallerOutput {
    let descriptor: FileDescriptor
    private let kind: Kind

    private enum Kind { case reopened, socket, file, blocking }

    init(_ original: FileDescriptor) {
        var facts = stat()
        guard fstat(original.rawValue, &facts) == 0 else {
            descriptor = original
            kind = .file
            return
        }
        switch facts.st_mode & S_IFMT {
        case S_IFSOCK: kind = .socket
        case S_IFIFO, S_IFCHR:
            let path = "/proc/self/fd/\(original.rawValue)"
            let reopened = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
            guard reopened < 0 else {
                descriptor = FileDescriptor(rawValue: reopened)
                kind = .reopened
                return
            }
            kind = .blocking
        default: kind = .file
        }
        descriptor = original
    }

    deinit { if kind == .reopened { try? descriptor.close() } }

    /// Writes what is taken at once.
    func flush(_ outbox: inout Outbox) -> Outbox.Result {
        switch kind {
        case .reopened, .file: return outbox.flush(to: descriptor)
        case .socket:
            return outbox.flush { send(descriptor.rawValue, $0, $1, Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL)) }
        case .blocking:
            // A pipe that poll(2) calls writable takes as much as this.
            guard (try? Poll.wait([(descriptor, .write)], timeout: 0))?.isEmpty == false else { return .written(0) }
            return outbox.flush(to: descriptor, most: 4096)
        }
    }
}
