// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import CLinuxShims
import Diagnostics
import SystemPackage

/// The user, and the groups, that a program runs as.
package struct ProgramUser: Sendable, Equatable {
    package var uid: UInt32
    package var gid: UInt32
    package var supplementaryGIDs: [UInt32]

    package init(uid: UInt32 = 0, gid: UInt32 = 0, supplementaryGIDs: [UInt32] = []) {
        self.uid = uid
        self.gid = gid
        self.supplementaryGIDs = supplementaryGIDs
    }
}

/// A step on the way to a program that failed, and the status to end with because of it.
package struct ProgramFailure: Error, Equatable, CustomStringConvertible {
    /// Statuses of systemd.exec(5) for a step that failed before the program ran.
    package enum Status {
        package static let directory: Int32 = 200
        package static let root: Int32 = 210
        package static let group: Int32 = 216
        package static let user: Int32 = 217
        package static let capabilities: Int32 = 218
        package static let systemCalls: Int32 = 228
    }

    package let message: String
    package let status: Int32

    package init(_ message: String, _ status: Int32) {
        self.message = message
        self.status = status
    }

    package var description: String { message }
}

/// The last steps of a process that becomes a program of an app; each takes effect on this process for good.
package enum ProgramStart {
    /// - Throws: a `ProgramFailure`, as the other steps do.
    package static func enter(workingDirectory path: String) throws {
        guard chdir(path) == 0 else {
            throw ProgramFailure(
                "Unable to change to working directory \"\(path)\": \(lastErrno.text)",
                ProgramFailure.Status.directory)
        }
    }

    /// Becomes the user; what that takes is lost with it, unless this process keeps its capabilities.
    package static func assume(_ user: ProgramUser) throws {
        let groups = user.supplementaryGIDs
        guard setgroups(groups.count, groups) == 0, setgid(user.gid) == 0 else {
            throw ProgramFailure(
                "Unable to change to group \(user.gid): \(lastErrno.text)", ProgramFailure.Status.group)
        }
        guard setuid(user.uid) == 0 else {
            throw ProgramFailure(
                "Unable to change to user \(user.uid): \(lastErrno.text)", ProgramFailure.Status.user)
        }
    }

    /// Neither this process nor what it starts gains anything from set-user-ID bits any more (prctl(2)).
    package static func giveUpPrivileges() throws {
        guard rkt_set_no_new_privileges() >= 0 else {
            throw ProgramFailure("Unable to set no-new-privileges", ProgramFailure.Status.capabilities)
        }
    }

    /// As execvp(3), with the PATH of the program's environment.
    ///
    /// - Parameter confine: done when the file has been found. What fails after it may end by a signal without a word.
    package static func execute(
        _ arguments: [String], environment: [String], confine: (() throws -> Void)? = nil
    ) throws -> Never {
        guard let command = arguments.first, !command.isEmpty else {
            throw ProgramFailure("There is nothing to execute", ExitStatus.cannotExecute)
        }
        let search = ExecutableSearch(environment: environment)
        var denied: String?
        var candidates = search.candidates(for: command)
        if let confine, let found = candidates.firstIndex(where: { search.canExecute($0) }) {
            candidates = [candidates[found]]
            try confine()
        }
        for candidate in candidates {
            do {
                try ProcessImage.execute(FilePath(candidate), arguments: arguments, environment: environment)
            } catch {
                if access(candidate, F_OK) == 0 {
                    denied = denied ?? search.explain(candidate, error)
                }
            }
        }
        throw ProgramFailure(
            denied ?? "Unable to open \"\(command)\": No such file or directory", ExitStatus.cannotExecute)
    }
}
