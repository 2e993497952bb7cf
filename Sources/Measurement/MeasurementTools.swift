// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import LinuxPlatform
import SystemPackage

/// The TPM of the host by the programs of tpm2-tools(7): theirs is the library, which a static program cannot have.
package struct MeasurementTools: Sendable, Equatable {
    package let extend: FilePath
    package let read: FilePath
    /// How they reach the TPM.
    package let tcti: String

    /// The resource manager of the kernel.
    package static let device: FilePath = "/dev/tpmrm0"
    /// Of the package tpm2-tools.
    private static let names = (extend: "tpm2_pcrextend", read: "tpm2_pcrread")
    private static let limits = ProcessLimits(output: 16 << 10, error: 16 << 10, milliseconds: 10_000)

    package init(extend: FilePath, read: FilePath, tcti: String) {
        self.extend = extend
        self.read = read
        self.tcti = tcti
    }

    /// Looks for a TPM and the programs.
    ///
    /// - Parameter tcti: the configured way to the TPM; nil for the device.
    /// - Throws: what is missing, with the remedy.
    package init(
        tcti: String?, device: FilePath = MeasurementTools.device, searchPath: String = BoundedProcess.searchPath
    ) throws {
        guard tcti != nil || FileSystem.exists(device) else {
            throw RuntimeError(
                .notFound, "this host has no TPM: there is no \(device); enable it in the firmware, or set \"tcti\"")
        }
        func find(_ name: String) throws -> FilePath {
            let search = ExecutableSearch(environment: ["PATH=\(searchPath)"])
            guard let path = search.candidates(for: name).first(where: { search.canExecute($0) }) else {
                throw RuntimeError(.notFound, "there is no program \(name); install it (Debian package tpm2-tools)")
            }
            return FilePath(path)
        }
        self.init(
            extend: try find(Self.names.extend), read: try find(Self.names.read), tcti: tcti ?? "device:\(device)")
    }

    /// Extends the register with a SHA-256 digest in hexadecimal digits.
    ///
    /// - Throws: code `timeout` when it is not known whether it was extended.
    func extend(_ digest: String) throws {
        _ = try run(extend, ["\(EventLog.register):sha256=\(digest)"])
    }

    /// The register's value in hexadecimal digits.
    package func value() throws -> String {
        let text = try run(read, ["sha256:\(EventLog.register)"])
        let line = text.split(separator: "\n").map { $0.filter { $0 != " " } }
            .first { $0.hasPrefix("\(EventLog.register):0x") }
        guard let digits = line?.split(separator: "x").last, digits.utf8.count == 64 else {
            throw RuntimeError(.invalidState, "\(read) does not tell the register")
        }
        return digits.lowercased()
    }

    private func run(_ program: FilePath, _ arguments: [String]) throws -> String {
        let process = BoundedProcess(
            program: program, arguments: ["--tcti", tcti] + arguments,
            environment: ["PATH=\(BoundedProcess.searchPath)", "LC_ALL=C"], directory: "/", limits: Self.limits)
        let outcome: BoundedProcess.Outcome
        do {
            outcome = try process.run()
        } catch let error as RuntimeError {
            throw RuntimeError(error.code, "\(program) failed: \(error.message)")
        }
        guard outcome.exit == .exited(0) else {
            let words = outcome.error.split(separator: UInt8(ascii: "\n")).first.map { PrintableText.line($0) }
            throw RuntimeError(
                .invalidState, "\(program) ended with \(outcome.exit)" + (words.map { ": \($0.prefix(300))" } ?? ""))
        }
        return String(decoding: outcome.output, as: UTF8.self)
    }
}
