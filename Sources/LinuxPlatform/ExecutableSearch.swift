// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import SystemPackage

/// Where a command without a slash may be, and why a file that is there does not run.
package struct ExecutableSearch {
    /// Searched when the environment has no PATH.
    package static let defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    private let environment: [String]

    /// - Parameter environment: `NAME=value` each; its last PATH is searched.
    package init(environment: [String]) { self.environment = environment }

    /// The files that a command may mean, in the order in which they are tried.
    package func candidates(for command: String) -> [String] {
        if command.contains("/") { return [command] }
        let path = environment.last { $0.hasPrefix("PATH=") }?.dropFirst(5) ?? Self.defaultPath[...]
        return path.split(separator: ":", omittingEmptySubsequences: false).map {
            $0.isEmpty ? command : "\($0)/\(command)"
        }
    }

    /// Whether the file is there, may be executed by this process's user, and has its interpreter.
    package func canExecute(_ file: String) -> Bool {
        guard access(file, X_OK) == 0,
            (try? FileSystem.status(FilePath(file), followSymbolicLink: true).type) == .regular
        else { return false }
        return Interpreter.of(FilePath(file)).map { access($0, F_OK) == 0 } ?? true
    }

    /// A file that exists fails with ENOENT when its interpreter is missing: name that one.
    package func explain(_ file: String, _ error: any Error) -> String {
        if let interpreter = Interpreter.of(FilePath(file)), access(interpreter, F_OK) != 0 {
            return "Unable to open \"\(interpreter)\": No such file or directory"
        }
        return "Unable to execute \"\(file)\": \(error)"
    }
}
