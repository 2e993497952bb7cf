// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import AppContainer
import Diagnostics
import HostConfiguration
import LinuxPlatform
import SystemPackage

/// What became of an event that was to be measured.
package enum MeasurementResult: Sendable, Equatable {
    /// Nothing is measured on this host.
    case none
    /// The SHA-256 digest that the register was extended with, in hexadecimal digits.
    case done(String)
    /// It was not, and the pod is started all the same.
    case failed(String)
}

/// Measures what is about to be executed: into a register of the TPM, and into a log that explains the register.
///
/// The log's order is the register's: one lock covers both. A record is on the disk before the register is extended, as an
/// extension without a record would spoil every later proof.
package struct Measurer: Sendable {
    package let policy: MeasurementConfiguration.Policy
    private let tools: Result<MeasurementTools, RuntimeError>
    private let log: FilePath
    private var pending: FilePath { FilePath(log.string + ".pending") }
    private var lock: FilePath { FilePath(log.string + ".lock") }

    /// Of this boot, as the register is.
    package static let standardLog: FilePath = "/run/rkt/measurements"
    private static let logLimit = 64 << 20

    /// - Parameters:
    ///   - device: the TPM where no other way to one is configured.
    ///   - searchPath: where the tools are looked for.
    package init(
        _ configuration: MeasurementConfiguration, log: FilePath = Measurer.standardLog,
        device: FilePath = MeasurementTools.device, searchPath: String = BoundedProcess.searchPath
    ) {
        policy = configuration.tpm ?? .standard
        self.log = log
        do {
            tools = .success(try MeasurementTools(tcti: configuration.tcti, device: device, searchPath: searchPath))
        } catch {
            tools = .failure(error as? RuntimeError ?? RuntimeError(.internal, "\(error)"))
        }
    }

    /// How the TPM is reached; nil where nothing is measured.
    package var tpm: String? { policy == .off ? nil : try? tools.get().tcti }

    /// Whether an event would be measured, or could not be although it has to.
    package var isWanted: Bool {
        switch policy {
        case .off: false
        case .required: true
        case .auto: tpm != nil
        }
    }

    /// Measures one event.
    ///
    /// - Parameter event: makes it; not called where nothing is measured.
    /// - Throws: when it has to be measured and cannot be.
    package func measure(_ event: () throws -> JSONValue) throws -> MeasurementResult {
        guard isWanted else { return .none }
        do {
            let tools = try tools.get()
            return .done(try extend(Array(event().encoded().utf8), tools))
        } catch  where policy == .required {
            throw RuntimeError(
                .unsupported,
                "the pod is not started: it cannot be measured, which the configuration requires; set \"tpm\" of the kind "
                    + "measurement to \"auto\" to start pods that are not measured", cause: error)
        } catch {
            return .failed("\(error)")
        }
    }

    // MARK: - The register and the log

    private func extend(_ data: [UInt8], _ tools: MeasurementTools) throws -> String {
        guard data.count <= EventLog.mostBytes else { throw RuntimeError(.invalidArgument, "the event is too long") }
        try FileSystem.makeDirectories(log.removingLastComponent())
        try FileSystem.write([], to: lock, mode: 0o600)
        let held = try FileLock.acquire(lock, .exclusive)
        defer { held.release() }
        try begin()
        try settle(tools)
        let digest = Hexadecimal.text(EventLog.digest(of: data))
        try FileSystem.writeAtomically(EventLog.record(of: data), to: pending, mode: 0o600)
        do {
            try tools.extend(digest)
        } catch let error as RuntimeError where error.code != .timeout {
            try FileSystem.remove(pending)
            throw error
        }
        try append(EventLog.record(of: data))
        return digest
    }

    /// Makes the log, which members of rkt's group may read.
    private func begin() throws {
        if !FileSystem.exists(log) { try place(EventLog.header) }
    }

    private func place(_ bytes: [UInt8]) throws {
        try FileSystem.writeAtomically(bytes, to: log, mode: 0o640)
        if geteuid() == 0, let group = SystemGroup.id(named: SystemGroup.members) {
            guard chown(log.string, 0, group) == 0 else { throw RuntimeError.systemCall("chown", log, lastErrno) }
        }
    }

    /// Somebody was killed between extending the register and writing that down, or before: the register tells which.
    private func settle(_ tools: MeasurementTools) throws {
        guard FileSystem.exists(pending) else { return }
        let record = try FileSystem.read(pending, limit: 2 * EventLog.mostBytes)
        let known = try FileSystem.read(log, limit: Self.logLimit)
        // A record that was not written to its end is taken away before it is written anew.
        let whole = try Self.whole(known)
        if whole.count < known.count { try place(whole) }
        let value = try tools.value()
        // Where others extend the register, too, it tells nothing; most likely it was extended.
        if try EventLog.replay(whole) == value || whole.suffix(record.count).elementsEqual(record) {
            try FileSystem.remove(pending)
        } else {
            try append(record)
        }
    }

    /// A log without a last record that is cut off.
    private static func whole(_ log: [UInt8]) throws -> [UInt8] {
        if (try? EventLog.events(in: log)) != nil { return log }
        var bytes = EventLog.header
        guard log.starts(with: bytes) else { throw RuntimeError(.invalidState, "the log of measurements is none") }
        // Four numbers, of which one is short, and a digest come before the length of the data.
        let lengthAt = 14 + 32
        while true {
            let rest = log[bytes.count...]
            guard rest.count > lengthAt + 4 else { return bytes }
            let number = rest.dropFirst(lengthAt).prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
            let size = lengthAt + 4 + number
            guard rest.count >= size, (try? EventLog.events(in: EventLog.header + rest.prefix(size))) != nil else {
                return bytes
            }
            bytes += rest.prefix(size)
        }
    }

    private func append(_ record: [UInt8]) throws {
        let file: FileDescriptor
        do {
            file = try FileDescriptor.open(log, .writeOnly, options: [.append, .closeOnExec, .noFollow])
        } catch let error as Errno {
            throw RuntimeError.systemCall("open", log, error)
        }
        defer { try? file.close() }
        try FileSystem.writeAll(record, to: file, log)
        guard fsync(file.rawValue) == 0 else { throw RuntimeError.systemCall("fsync", log, lastErrno) }
        try FileSystem.remove(pending)
    }
}
