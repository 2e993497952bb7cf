// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import Diagnostics
import LinuxPlatform
import SystemPackage

/// Digests of files of the host that were computed since it was started, by what stat(2) says of the files: programs of many
/// megabytes are not read for each pod.
package struct DigestCache: Sendable {
    private let path: FilePath

    /// Only root may write there, and a restart of the host empties it.
    package static let standard: FilePath = "/run/rkt/digests"

    /// The most files that are remembered; the ones seen last stay.
    private static let mostEntries = 64
    private static let limit = 64 << 10
    /// A file whose change is younger, in nanoseconds, may change again without a new time stamp.
    private static let clockTick: Int64 = 20_000_000

    package init(path: FilePath = DigestCache.standard) {
        self.path = path
    }

    /// The digest of a file, and what it was when that was computed.
    package struct Result: Sendable, Equatable {
        package let digest: String
        /// Another file at the path, or another content, has another one.
        package let stamp: String
    }

    /// - Parameter tree: names what the file is a part of, in place of its device: mounts of a shared tree have a device each.
    package func digest(of path: FilePath, tree: String? = nil) throws -> Result {
        let file: FileDescriptor
        do {
            file = try FileDescriptor.open(path, .readOnly, options: [.closeOnExec, .nonBlocking])
        } catch let error as Errno {
            throw RuntimeError.systemCall("open", path, error)
        }
        defer { try? file.close() }
        let status = try FileSystem.status(of: file)
        let stamp = Self.stamp(status, tree)
        var entries = read()
        if let known = entries.first(where: { $0.stamp == stamp }) { return known }
        let start = Self.now()
        let result = Result(digest: try FileDigest.sha512(file, path), stamp: stamp)
        guard try FileSystem.status(of: file) == status else {
            throw RuntimeError(.invalidState, "\"\(path)\" changed while its digest was computed; try again")
        }
        guard start - status.changeTime > Self.clockTick else { return result }
        entries = entries.suffix(Self.mostEntries - 1) + [result]
        // It costs time if it cannot be kept, nothing else.
        try? write(entries)
        return result
    }

    /// What the file at a path is now.
    package static func stamp(of path: FilePath, tree: String? = nil) throws -> String {
        stamp(try FileSystem.status(path, followSymbolicLink: true), tree)
    }

    private static func stamp(_ status: FileStatus, _ tree: String?) -> String {
        "\(tree ?? String(status.device)) \(status.inode) \(status.size) \(status.changeTime)"
    }

    // MARK: - The file

    private func read() -> [Result] {
        guard let file = try? FileDescriptor.open(path, .readOnly, options: [.closeOnExec, .noFollow, .nonBlocking])
        else { return [] }
        defer { try? file.close() }
        // What others may have written says nothing.
        guard let status = try? FileSystem.status(of: file), status.type == .regular, status.uid == geteuid(),
            status.mode & 0o022 == 0, let bytes = try? FileSystem.read(file, path, limit: Self.limit)
        else { return [] }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").compactMap { line in
            let words = line.split(separator: " ")
            guard words.count == 5, words[4].hasPrefix("sha512-"), words[4].utf8.count == 7 + 128 else { return nil }
            return Result(digest: String(words[4]), stamp: words[..<4].joined(separator: " "))
        }
    }

    private func write(_ entries: [Result]) throws {
        try FileSystem.makeDirectories(path.removingLastComponent())
        let text = entries.map { "\($0.stamp) \($0.digest)\n" }.joined()
        try FileSystem.writeAtomically(text.utf8, to: path, mode: 0o600)
    }

    private static func now() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
