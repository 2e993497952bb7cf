// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import ImageFetch
import LinuxPlatform
import SystemPackage

/// Everything that an image says about a file, as it is found on a disk.
struct FileFacts: Equatable, CustomStringConvertible {
    var type: LinuxPlatform.FileType
    var mode: UInt32
    var owner: [UInt32]
    var device: UInt64 = 0
    /// A symbolic link's text, or the digest of a file's contents.
    var contents = ""
    var size: Int64 = 0
    var attributes: [String: [UInt8]] = [:]
    /// The first of the names that the file has, for files with several.
    var firstName = ""
    var linkCount: UInt64 = 0
    var modification: Int64 = 0

    var description: String {
        "\(type) \(String(mode, radix: 8)) \(owner) \(contents) \(size) \(attributes) first \(firstName) "
            + "links \(linkCount) time \(modification)"
    }

    /// The facts of everything below a directory and of itself, by path.
    static func tree(_ root: FilePath) throws -> [String: FileFacts] {
        var facts: [String: FileFacts] = [:]
        var names: [UInt64: String] = [:]
        try collect(root, ".", &facts, &names)
        return facts
    }

    private static func collect(
        _ path: FilePath, _ name: String, _ facts: inout [String: FileFacts], _ names: inout [UInt64: String]
    ) throws {
        let status = try FileSystem.status(path)
        var file = FileFacts(type: status.type, mode: status.mode, owner: [status.uid, status.gid])
        file.modification = status.modificationTime
        for attribute in try ExtendedAttributes.names(path) {
            file.attributes[attribute] = try ExtendedAttributes.value(attribute, of: path)
        }
        switch status.type {
        case .regular:
            file.contents = ContentDigest(of: try FileSystem.read(path, limit: 1 << 28)).hex
            file.size = status.size
        case .symbolicLink: file.contents = try FileSystem.readSymbolicLink(path)
        case .characterDevice, .blockDevice: file.device = status.specialDevice
        default: break
        }
        if status.type != .directory {
            file.linkCount = status.linkCount
            file.firstName = names[status.inode] ?? name
            names[status.inode] = file.firstName
        }
        facts[name] = file
        guard status.type == .directory else { return }
        for child in try FileSystem.list(path) {
            try collect(path.appending(child), "\(name)/\(child)", &facts, &names)
        }
    }
}
