// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Hypervisor
import LinuxPlatform
import SystemPackage

/// Asks programs for their versions. They may be anything that the configuration names.
enum ProgramVersion {
    private static let limits = ProcessLimits(output: 64 << 10, error: 4 << 10, milliseconds: 10_000)
    /// Characters of a version that are shown.
    private static let longest = 160

    /// A program that was looked for, with its version, or what is wrong with it.
    ///
    /// - Parameters:
    ///   - path: finds the program, or throws what is told in its place.
    ///   - arguments: what lets it print its version.
    static func survey(_ name: String, _ arguments: [String], path: () throws -> FilePath) -> SurveyedProgram {
        let program: FilePath
        do {
            program = try path()
        } catch {
            return SurveyedProgram(name, path: nil, problem: "\(error)")
        }
        do {
            return SurveyedProgram(name, path: program, version: try ask(program, arguments))
        } catch {
            return SurveyedProgram(
                name, path: program, problem: "\"\(program)\" does not tell its version: \(error); install it anew")
        }
    }

    private static func ask(_ program: FilePath, _ arguments: [String]) throws -> String {
        let process = BoundedProcess(
            program: program, arguments: arguments, environment: ["PATH=\(BoundedProcess.searchPath)", "LC_ALL=C"],
            directory: "/", limits: limits)
        let outcome = try process.run()
        // Some write it to the one, some to the other.
        let said = firstLine(outcome.output) ?? firstLine(outcome.error)
        guard outcome.exit == .exited(0) else {
            throw RuntimeError(.invalidState, "it ended with \(outcome.exit)" + (said.map { ": \($0)" } ?? ""))
        }
        guard let said else { throw RuntimeError(.invalidState, "it printed nothing") }
        return said
    }

    private static func firstLine(_ bytes: [UInt8]) -> String? {
        let lines = bytes.split(separator: UInt8(ascii: "\n"))
        return lines.first.map { String(PrintableText.line($0).prefix(longest)) }
    }
}
