// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Glibc
import ImageArchive
import ImageStore
import LinuxPlatform
import SystemPackage
import TestSupport

/// A store that gets hostile images, among files that must not change.
struct HostileStore {
    private let scratch: ScratchDirectory
    /// Holds the store, the image file, and what a hostile image would like to reach.
    let surroundings: FilePath
    private let store: ImageStore
    private let before: [String]

    /// Where a text stands for the image file in an expected message.
    static let placeholder = "IMAGE"

    init(limits: ArchiveLimits = ArchiveLimits()) throws {
        scratch = try ScratchDirectory()
        surroundings = scratch.appending("surroundings")
        try FileSystem.makeDirectory(surroundings)
        for directory in ["etc", "outside", "rootfs"] {
            try FileSystem.makeDirectory(surroundings.appending(directory))
            try FileSystem.write("sentinel".utf8, to: surroundings.appending("\(directory)/passwd"))
        }
        store = try ImageStore(dataDirectory: surroundings.appending("data"), limits: limits)
        before = try HostileStore.listing(of: surroundings, leavingOut: "data")
    }

    private var file: FilePath { scratch.appending("image.aci") }

    /// Imports images, the last one the hostile one, and renders it. Every image goes through a file of one name.
    ///
    /// - Returns: What the tree holds, `rootfs` left out, or the message of the error.
    func render(_ images: [[UInt8]]) throws -> Result<[String], Refusal> {
        do {
            var image: StoredImage?
            for bytes in images {
                try FileSystem.write(bytes, to: file)
                image = try store.importImage(at: file)
            }
            guard let image else { return .success([]) }
            let tree = try store.rendered(image)
            defer { tree.lock.release() }
            return .success(try HostileStore.listing(of: tree.path.appending("rootfs")))
        } catch let error as RuntimeError {
            return .failure(refusal(error))
        }
    }

    /// Imports an image that never stands in a file.
    func importImage(from pipe: FileDescriptor) -> Refusal? {
        do {
            _ = try store.importImage(from: pipe, name: file.string)
            return nil
        } catch let error as RuntimeError {
            return refusal(error)
        } catch {
            return Refusal(message: "\(error)")
        }
    }

    private func refusal(_ error: RuntimeError) -> Refusal {
        let parts = error.description.split(separator: file.string, omittingEmptySubsequences: false)
        return Refusal(message: parts.joined(separator: HostileStore.placeholder))
    }

    struct Refusal: Error, Equatable {
        let message: String
    }

    /// What has changed around the store; nothing ever should.
    func changesOutside() throws -> [String] {
        try HostileStore.listing(of: surroundings, leavingOut: "data").filter { !before.contains($0) }
            + before.filter { try !HostileStore.listing(of: surroundings, leavingOut: "data").contains($0) }
    }

    /// Everything in the store that belongs to an image: archives, trees, work in progress, and what is listed.
    func contents() throws -> [String] {
        let data = surroundings.appending("data")
        let files = try HostileStore.listing(of: data).filter { line in
            !line.hasPrefix("d ") && !line.contains("/db/") && !line.contains("lock")
        }
        let trees = try FileSystem.list(store.layout.trees) + FileSystem.list(store.layout.temporary)
        return try files + trees + store.images().map { "image \($0.name)" }
    }

    // MARK: - Listing

    /// One line for each file below a directory: kind, permissions, path, and contents, target or number.
    static func listing(of directory: FilePath, leavingOut name: String? = nil) throws -> [String] {
        let descriptor = try FileDescriptor.open(directory, .readOnly, options: [.directory])
        defer { try? descriptor.close() }
        var lines: [String] = []
        try list(descriptor, "", leavingOut: name, &lines)
        return lines.sorted()
    }

    private static func list(
        _ directory: FileDescriptor, _ prefix: String, leavingOut: String?, _ lines: inout [String]
    ) throws {
        for name in try FileSystem.names(in: directory) where name.string != leavingOut {
            let status = try FileSystem.status(name, in: directory)
            let path =
                prefix + escaped(name.withPlatformString { Array(UnsafeBufferPointer(start: $0, count: strlen($0))) })
            let mode = String(status.mode, radix: 8)
            switch status.type {
            case .directory:
                lines.append("d \(mode) \(path)")
                let child = try FileSystem.openDirectory(FilePath(root: nil, [name]), beneath: directory)
                defer { try? child.close() }
                try list(child, path + "/", leavingOut: nil, &lines)
            case .regular:
                lines.append("f \(mode) \(path) \(try contents(name, in: directory, size: status.size))")
            case .symbolicLink:
                let target = try FileSystem.readSymbolicLink(name, in: directory)
                lines.append("l \(path) -> \(String(decoding: target, as: UTF8.self))")
            case .fifo: lines.append("p \(mode) \(path)")
            case .socket: lines.append("s \(mode) \(path)")
            case .characterDevice: lines.append("c \(mode) \(path) \(number(status.specialDevice))")
            case .blockDevice: lines.append("b \(mode) \(path) \(number(status.specialDevice))")
            }
        }
    }

    private static func contents(
        _ name: FilePath.Component, in directory: FileDescriptor, size: Int64
    ) throws -> String {
        guard size <= 64 else { return "\(size) bytes" }
        let file = name.withPlatformString { openat(directory.rawValue, $0, O_RDONLY | O_NOFOLLOW | O_CLOEXEC) }
        guard file >= 0 else { throw Errno(rawValue: errno) }
        defer { close(file) }
        var buffer = [UInt8](repeating: 0, count: 64)
        let count = read(file, &buffer, buffer.count)
        return "\"\(String(decoding: buffer.prefix(max(0, count)), as: UTF8.self))\""
    }

    private static func number(_ device: UInt64) -> String {
        "\((device >> 8) & 0xfff):\((device & 0xff) | ((device >> 12) & 0xfff00))"
    }

    private static func escaped(_ bytes: [CChar]) -> String {
        bytes.map { byte in
            let value = UInt8(bitPattern: byte)
            return value > 0x20 && value < 0x7f
                ? String(UnicodeScalar(value)) : "\\x" + String(value, radix: 16)
        }.joined()
    }
}
