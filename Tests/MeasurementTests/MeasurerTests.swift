// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import Glibc
import HostConfiguration
import LinuxPlatform
import Measurement
import SystemPackage
import TestSupport
import Testing

/// Measuring with tools that are made up: they extend a register that is a file.
struct MeasurerTests {
    private let scratch: ScratchDirectory
    private var log: FilePath { scratch.appending("run").appending("measurements") }
    private var register: FilePath { scratch.appending("register") }

    init() throws {
        scratch = try ScratchDirectory()
        try FileSystem.write(String(repeating: "0", count: 64).utf8, to: register)
        try install("tpm2_pcrread", #"printf '  sha256:\n    15: 0x%s\n' "$(tr a-f A-F <\#(register))""#)
        try install("tpm2_pcrextend", extending)
    }

    /// Concatenates the register's bytes and those of the digest, and hashes them.
    private var extending: String {
        #"""
        digest=${3#15:sha256=}
        [ "$1 $2" = "--tcti test:" ] && [ ${#digest} = 64 ] || exit 3
        text=$(echo "$(cat \#(register))$digest" | sed 's/../\\x&/g')
        printf "$text" | sha256sum | cut -c1-64 | tr -d '\n' >\#(register).new && mv \#(register).new \#(register)
        """#
    }

    private func install(_ name: String, _ script: String) throws {
        let directory = scratch.appending("bin")
        try FileSystem.makeDirectories(directory)
        // The shell's own printf may not know of hexadecimal digits.
        let text = "#!/bin/bash\nPATH=/usr/bin:/bin\n\(script)\n"
        try FileSystem.write(text.utf8, to: directory.appending(name), mode: 0o755)
    }

    private func measurer(_ fields: String = #""tcti":"test:""#) throws -> Measurer {
        let text = #"{"rktKind":"measurement","rktVersion":"v1",\#(fields)}"#
        let file = scratch.appending("measurement.json")
        try FileSystem.write(text.utf8, to: file)
        return Measurer(
            try MeasurementConfiguration(pod: file), log: log, device: scratch.appending("no-tpm"),
            searchPath: scratch.appending("bin").string)
    }

    private func replayed() throws -> String { try EventLog.replay(FileSystem.read(log)) }
    private func value() throws -> String { try FileSystem.readText(register) }

    @Test func `the log explains the register`() throws {
        let measurer = try measurer()
        #expect(measurer.tpm == "test:")
        for number in 1...3 {
            guard case .done(let digest) = try measurer.measure({ ["event": .string("\(number)")] }) else {
                Issue.record("it was not measured")
                return
            }
            #expect(digest.utf8.count == 64)
        }
        #expect(try replayed() == value())
        let events = try EventLog.events(in: FileSystem.read(log)).map { String(decoding: $0, as: UTF8.self) }
        #expect(events == [#"{"event":"1"}"#, #"{"event":"2"}"#, #"{"event":"3"}"#])
        #expect(try FileSystem.status(log).mode & 0o777 == 0o640)
    }

    @Test func `another event has another digest`() throws {
        let measurer = try measurer()
        let first = try measurer.measure { ["event": "a"] }
        let second = try measurer.measure { ["event": "b"] }
        #expect(first != second)
    }

    @Test(arguments: ["auto", "off"]) func `nothing is measured where nothing is`(policy: String) throws {
        let measurer = try measurer(#""tpm":"\#(policy)""#)
        #expect(try measurer.measure { throw RuntimeError(.internal, "not asked for") } == .none)
        #expect(measurer.tpm == nil && !measurer.isWanted)
        #expect(!FileSystem.exists(log))
    }

    @Test func `a TPM that is required and missing is told with the remedy`() throws {
        let measurer = try measurer(#""tpm":"required""#)
        let error = #expect(throws: RuntimeError.self) { try measurer.measure { ["event": "a"] } }
        let text = "\(String(describing: error))"
        for word in ["no-tpm", "\"auto\"", "not started"] { #expect(text.contains(word), "\(text)") }
    }

    @Test func `tools that are missing are named with their package`() throws {
        try FileSystem.remove(scratch.appending("bin").appending("tpm2_pcrextend"))
        let measurer = try measurer(#""tpm":"required","tcti":"test:""#)
        let error = #expect(throws: RuntimeError.self) { try measurer.measure { ["event": "a"] } }
        #expect("\(String(describing: error))".contains("tpm2-tools"))
    }

    @Test func `a failure is a warning, or an end where measuring is required`() throws {
        try install("tpm2_pcrextend", "echo no such TPM >&2; exit 1")
        guard case .failed(let problem) = try measurer().measure({ ["event": "a"] }) else {
            Issue.record("it has not failed")
            return
        }
        #expect(problem.contains("no such TPM"))
        let required = try measurer(#""tpm":"required","tcti":"test:""#)
        #expect(throws: RuntimeError.self) { try required.measure { ["event": "a"] } }
        // Nothing was extended, so nothing is written down.
        #expect(try replayed() == value())
        try install("tpm2_pcrextend", extending)
        #expect(try measurer().measure { ["event": "a"] } != .none)
        #expect(try replayed() == value())
    }

    /// Killed before or after the register was extended: the record is on the disk, and the register tells.
    @Test(arguments: [true, false]) func `who was killed leaves a log that explains the register`(isExtended: Bool)
        throws
    {
        let measurer = try measurer()
        _ = try measurer.measure { ["event": "a"] }
        let data = Array(#"{"event":"killed"}"#.utf8)
        try FileSystem.write(EventLog.record(of: data), to: FilePath(log.string + ".pending"))
        if isExtended {
            let digest = EventLog.digest(of: data).map { byte in
                (byte < 16 ? "0" : "") + String(byte, radix: 16)
            }.joined()
            _ = try BoundedProcess(
                program: scratch.appending("bin").appending("tpm2_pcrextend"),
                arguments: ["--tcti", "test:", "15:sha256=\(digest)"], environment: [], directory: "/"
            ).run()
        }
        _ = try measurer.measure { ["event": "b"] }
        #expect(try replayed() == value())
        #expect(try EventLog.events(in: FileSystem.read(log)).count == (isExtended ? 3 : 2))
        #expect(!FileSystem.exists(FilePath(log.string + ".pending")))
    }

    @Test func `a record that was not written to its end is written anew`() throws {
        let measurer = try measurer()
        _ = try measurer.measure { ["event": "a"] }
        let whole = try FileSystem.read(log)
        _ = try measurer.measure { ["event": "b"] }
        let record = try FileSystem.read(log).dropFirst(whole.count)
        try FileSystem.write(whole + record.dropLast(5), to: log)
        try FileSystem.write(record, to: FilePath(log.string + ".pending"))
        _ = try measurer.measure { ["event": "c"] }
        #expect(try replayed() == value())
        #expect(try EventLog.events(in: FileSystem.read(log)).count == 3)
    }

    @Test(arguments: [0, 10, 64, 65, 70, 120]) func `a log that is cut off, or none, is not believed`(count: Int) throws
    {
        _ = try measurer().measure { ["event": "a"] }
        let bytes = try FileSystem.read(log)
        if count == 65 {
            #expect(try EventLog.events(in: Array(bytes.prefix(count))) == [])
        } else {
            #expect(throws: RuntimeError.self) { try EventLog.events(in: Array(bytes.prefix(count))) }
        }
        var other = bytes
        other[other.count - 2] ^= 1
        #expect(throws: RuntimeError.self) { try EventLog.events(in: other) }
    }

    @Test(.enabled(if: Program.path(of: "tpm2_eventlog") != nil, "needs tpm2-tools"))
    func `the log is one that other programs read`() throws {
        _ = try measurer().measure { ["event": "a"] }
        _ = try measurer().measure { ["event": "b"] }
        let text = String(decoding: try Program.output("tpm2_eventlog", log.string), as: UTF8.self)
        #expect(text.contains("15 : 0x\(try value())"), "\(text)")
    }
}
