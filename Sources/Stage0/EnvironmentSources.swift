// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import LinuxPlatform
import SystemPackage

/// Where the variables of a pod's apps come from, besides the images.
package struct EnvironmentSources: Sendable {
    /// `--inherit-env`: the caller's.
    package var inherited: Environment = []
    /// `--set-env-file`
    package var files: Environment = []
    /// `--set-env`
    package var pod: Environment = []

    package init() {}

    /// Reads what a request names.
    package init(_ request: PodRequest) throws {
        for path in request.setEnvironmentFiles {
            let text: String
            do {
                text = try FileSystem.readText(path)
            } catch {
                throw RuntimeError(.notFound, "--set-env-file=\(path)", cause: error)
            }
            files = files.merging(try EnvironmentSources.parse(file: text, at: path))
        }
        pod = Environment(try request.setEnvironment.map { try EnvironmentSources.parse($0, from: "--set-env") })
        if request.inheritsEnvironment { inherited = EnvironmentSources.callers }
    }

    /// The variables of one app: from the weakest source to the strongest the caller's, the image's, those of files, of
    /// the pod, and the app's own. The image's order is kept, new names follow.
    package func merged(image: Environment, app: Environment) -> Environment {
        let explicit = image.merging(files).merging(pod).merging(app)
        let missing = inherited.filter { explicit[$0.name] == nil }
        return explicit.merging(missing)
    }

    // MARK: - Reading

    /// Reads `NAME=VALUE`.
    ///
    /// - Parameter origin: the flag or file it comes from, for the error.
    package static func parse(_ text: some StringProtocol, from origin: String) throws -> EnvironmentVariable {
        guard let equals = text.firstIndex(of: "=") else {
            throw RuntimeError(.invalidArgument, "\(origin): \"\(text)\" is not of the form NAME=VALUE")
        }
        let name = String(text[..<equals])
        do {
            try EnvironmentVariable.check(name: name)
        } catch {
            throw RuntimeError(.invalidArgument, "\(origin): \(error)")
        }
        return EnvironmentVariable(name: name, value: String(text[text.index(after: equals)...]))
    }

    /// Reads the lines of an environment file; empty ones and those that begin with `#` or `;` are skipped.
    package static func parse(file text: String, at path: FilePath) throws -> [EnvironmentVariable] {
        var variables: [EnvironmentVariable] = []
        // As bytes, since "\r\n" is one Character.
        let lines = text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        for (index, bytes) in lines.enumerated() {
            let line = bytes.last == UInt8(ascii: "\r") ? bytes.dropLast() : bytes
            let content = line.drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
            guard let first = content.first, first != UInt8(ascii: "#"), first != UInt8(ascii: ";") else { continue }
            variables.append(try parse(String(decoding: content, as: UTF8.self), from: "\(path), line \(index + 1)"))
        }
        return variables
    }

    /// The variables of this process that may stand in a manifest.
    private static var callers: Environment { passedOn(ProcessImage.environment) }

    /// What of an environment may stand in a manifest. What systemd says to the caller, and to nobody else, stays out.
    ///
    /// - Parameter environment: `NAME=value` each.
    package static func passedOn(_ environment: [String]) -> Environment {
        let variables = environment.compactMap { try? parse($0, from: "environment") }
        return Environment(
            variables.filter { variable in
                variable.name != "NOTIFY_SOCKET"
                    && !["WATCHDOG_", "LISTEN_"].contains { variable.name.hasPrefix($0) }
            })
    }
}
