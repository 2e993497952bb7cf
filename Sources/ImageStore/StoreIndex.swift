// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import Glibc
import GRDB
import LinuxPlatform
import SystemPackage

/// The database of the image store: which images there are, where they came from, and their rendered trees.
///
/// It keeps SQLite's rollback journal: unlike a write-ahead log it can be read by users who may not write to its
/// directory. Transactions are short, and everybody waits for them.
final class StoreIndex: Sendable {
    let path: FilePath
    let isReadOnly: Bool
    private let queue: DatabaseQueue

    private static let migrator: DatabaseMigrator = {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("images, sources and trees") { database in
            try ImageRecord.createTable(database)
            try SourceRecord.createTable(database)
            try TreeRecord.createTable(database)
        }
        migrator.registerMigration("origins") { try OriginRecord.createTable($0) }
        migrator.registerMigration("stamps of trees") { try TreeRecord.addStamps($0) }
        migrator.registerMigration("signatures") { try SignatureRecord.createTable($0) }
        return migrator
    }()

    /// Opens the database, making or upgrading it if the caller may.
    ///
    /// - Parameter onlyReads: whether nothing is made or changed, whoever the caller is.
    init(_ layout: StoreLayout, onlyReads: Bool = false) throws {
        path = layout.database
        let exists = FileSystem.exists(path)
        let isReadOnly =
            onlyReads
            || exists && (access(path.string, W_OK) != 0 || access(layout.databaseDirectory.string, W_OK) != 0)
        self.isReadOnly = isReadOnly
        if !exists, !isReadOnly { try StoreIndex.createFile(layout) }
        var configuration = Configuration()
        configuration.readonly = isReadOnly
        configuration.busyMode = .timeout(60)
        queue = try StoreIndex.translating(path) {
            try DatabaseQueue(path: layout.database.string, configuration: configuration)
        }
        try migrate(layout)
    }

    func read<Value>(_ body: (Database) throws -> Value) throws -> Value {
        try StoreIndex.translating(path) { try queue.read(body) }
    }

    /// Runs a transaction that excludes all other writers in all processes.
    func write<Value>(_ body: (Database) throws -> Value) throws -> Value {
        try requireWritable()
        return try StoreIndex.translating(path) { try queue.write(body) }
    }

    /// Refuses users who may only read the store.
    func requireWritable() throws {
        guard isReadOnly else { return }
        let store = path.removingLastComponent().removingLastComponent()
        throw RuntimeError(
            .permissionDenied,
            "permission denied: this user may not change the image store \(store); "
                + "run as root or as a member of the store's group")
    }

    private func migrate(_ layout: StoreLayout) throws {
        // Not while somebody else is at it: half the tables would be an error.
        let shared = try? FileLock.acquire(layout.databaseDirectory, .shared)
        let state = try read { database in
            (
                isComplete: try StoreIndex.migrator.hasCompletedMigrations(database),
                isNewer: try StoreIndex.migrator.hasBeenSuperseded(database)
            )
        }
        shared?.release()
        guard !state.isNewer else {
            throw RuntimeError(.unsupported, "the image index \(path) was written by a newer version of this program")
        }
        if state.isComplete { return }
        guard !isReadOnly else {
            throw RuntimeError(
                .permissionDenied, "the image index \(path) is of an older version; run this command once as root")
        }
        // Of many processes that find a new store, one makes the tables.
        let lock = try FileLock.acquire(layout.databaseDirectory, .exclusive)
        defer { lock.release() }
        try StoreIndex.translating(path) { try StoreIndex.migrator.migrate(queue) }
    }

    /// Makes an empty file with the mode the database and its journal shall have.
    private static func createFile(_ layout: StoreLayout) throws {
        let lock = try FileLock.acquire(layout.databaseDirectory, .exclusive)
        defer { lock.release() }
        guard !FileSystem.exists(layout.database) else { return }
        try FileSystem.write([], to: layout.database, mode: 0o660)
    }

    /// Runs a database operation, turning SQLite's errors into this project's.
    private static func translating<Value>(_ path: FilePath, _ body: () throws -> Value) throws -> Value {
        do {
            return try body()
        } catch let error as DatabaseError {
            let text = error.message ?? "SQLite error \(error.resultCode.rawValue)"
            let (code, remedy): (RuntimeError.Code, String) =
                switch error.resultCode {
                case .SQLITE_FULL: (.internal, "; free some space, for instance with \"rkt image gc\"")
                case .SQLITE_READONLY, .SQLITE_PERM, .SQLITE_CANTOPEN, .SQLITE_AUTH:
                    (.permissionDenied, "; run as root or as a member of the store's group")
                case .SQLITE_BUSY: (.busy, "; another process has held it for a minute")
                case .SQLITE_NOTADB, .SQLITE_CORRUPT:
                    (.invalidState, "; move it away and fetch the images again")
                default: (.internal, "")
                }
            throw RuntimeError(code, "the image index \(path) cannot be used: \(text)\(remedy)")
        }
    }
}

/// The time of day in nanoseconds since 1970.
func now() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}
