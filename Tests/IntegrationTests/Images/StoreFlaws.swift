// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import LinuxPlatform
import SystemPackage
import TestSupport

/// Reads an image store's directories and its index as they are on disk, without the program.
struct StoreFlaws {
    private let cas: FilePath
    private var flaws: [String] = []

    /// What does not fit together while nobody uses the store, one line each.
    ///
    /// - Parameter beforeCollection: whether lock files may be there whose tree is gone: `image gc` removes them.
    static func all(in data: FilePath, beforeCollection: Bool = false) throws -> [String] {
        var store = StoreFlaws(cas: data.appending("cas"))
        try store.checkIndex()
        try store.checkBlobs()
        try store.checkTrees(beforeCollection: beforeCollection)
        try store.checkLocks()
        return store.flaws
    }

    /// Names of the rendered trees.
    static func trees(in data: FilePath) throws -> [String] {
        try FileSystem.list(data.appending("cas").appending("tree"))
    }

    private init(cas: FilePath) { self.cas = cas }

    private var database: FilePath { cas.appending("db").appending("images.sqlite") }

    /// The rows that a query yields, columns in order. A transaction that was cut off is undone first.
    private func rows(_ query: String) throws -> [[String]] {
        let output = try Program.output("sqlite3", "-separator", "|", database.string, query)
        return String(decoding: output, as: UTF8.self).split(separator: "\n")
            .map { $0.split(separator: "|", omittingEmptySubsequences: false).map(String.init) }
    }

    private mutating func checkIndex() throws {
        for name in try FileSystem.list(cas.appending("db")) where name != "images.sqlite" {
            flaws.append("unfinished transaction \(name)")
        }
        for row in try rows("pragma integrity_check") where row != ["ok"] { flaws.append("index: \(row)") }
        for row in try rows("pragma foreign_key_check") { flaws.append("row without an image: \(row)") }
    }

    private mutating func checkBlobs() throws {
        for name in try FileSystem.list(cas.appending("tmp")) { flaws.append("temporary file \(name)") }
        var sizes: [String: Int64] = [:]
        for directory in try FileSystem.list(cas.appending("blob").appending("sha512")) {
            let path = cas.appending("blob").appending("sha512").appending(directory)
            for name in try FileSystem.list(path) { sizes[name] = try FileSystem.status(path.appending(name)).size }
        }
        for row in try rows("select substr(id, 1, 71), size from image") {
            guard let size = sizes.removeValue(forKey: row[0]) else {
                flaws.append("image without an archive: \(row[0])")
                continue
            }
            if String(size) != row[1] { flaws.append("archive of \(size) bytes in place of \(row[1]): \(row[0])") }
        }
        for name in sizes.keys { flaws.append("archive without an image: \(name)") }
    }

    private mutating func checkTrees(beforeCollection: Bool) throws {
        var trees = Set(try FileSystem.list(cas.appending("tree")))
        for name in trees where name.hasPrefix(".") { flaws.append("unfinished tree \(name)") }
        let known = trees
        for row in try rows("select id from tree") where trees.remove(row[0]) == nil {
            flaws.append("row without a tree: \(row[0])")
        }
        for name in trees where !name.hasPrefix(".") { flaws.append("tree without a row: \(name)") }
        if beforeCollection { return }
        for row in try rows("select id from tree where image not in (select id from image)") {
            flaws.append("tree without an image: \(row[0])")
        }
        for name in try FileSystem.list(cas.appending("locks")) where !known.contains(name) {
            flaws.append("lock file without a tree: \(name)")
        }
    }

    /// Nobody holds a lock on anything.
    private mutating func checkLocks() throws {
        var paths = [cas, cas.appending("db"), cas.appending("tmp"), cas.appending("tree")]
        for directory in ["locks", "tree", "tmp"] {
            paths += try FileSystem.list(cas.appending(directory)).map { cas.appending(directory).appending($0) }
        }
        for path in paths {
            guard let lock = try FileLock.tryAcquire(path, .exclusive) else {
                flaws.append("locked: \(path)")
                continue
            }
            lock.release()
        }
    }
}
