// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// Which extended attributes (xattr(7)) of an archive reach a tree.
///
/// Those in which the host's own software believes stay out: labels of security modules, what overlayfs(5) keeps for
/// itself, access control lists in the form of the kernel. Those that are restored must be such that the kernel takes
/// them.
enum ExtendedAttributePolicy {
    static let capability = "security.capability"
    /// Corresponds to XATTR_NAME_MAX and XATTR_SIZE_MAX.
    private static let maximumName = 255
    private static let maximumValue = 64 << 10
    private static let overlay = ["user.overlay.", "trusted.overlay."]
    /// XFS keeps access control lists in them.
    private static let lists = "trusted.SGI_ACL_"

    /// Whether an attribute is restored. The kernel has `user.` attributes for files and directories only.
    static func restores(_ name: String, on kind: ArchiveEntry.Kind) -> Bool {
        guard !overlay.contains(where: name.hasPrefix), !name.hasPrefix(lists) else { return false }
        return switch kind {
        case .file: name == capability || name.hasPrefix("user.") || name.hasPrefix("trusted.")
        case .directory: name.hasPrefix("user.") || name.hasPrefix("trusted.")
        case .symbolicLink: name.hasPrefix("trusted.")
        case .hardLink, .fifo, .characterDevice, .blockDevice, .unknown: false
        }
    }

    /// What is wrong with an attribute that is to be restored.
    static func problem(_ name: String, _ value: [UInt8]) -> String? {
        if name == capability {
            return isCapability(value) ? nil : "a file capability of \(value.count) bytes that no kernel knows"
        }
        // What is not UTF-8 was replaced by this.
        guard !name.unicodeScalars.contains("\u{FFFD}") else {
            return "an extended attribute whose name is not UTF-8"
        }
        guard name.utf8.count <= maximumName, name.utf8.last != UInt8(ascii: ".") else {
            return "an extended attribute whose name has \(name.utf8.count) bytes, and "
                + "\(maximumName) after a prefix are the most"
        }
        guard value.count <= maximumValue else {
            return "an extended attribute of \(value.count) bytes, and \(maximumValue) are the most"
        }
        return nil
    }

    /// Whether bytes are a `struct vfs_cap_data` of linux/capability.h: revision, flags, and as many words as it has.
    private static func isCapability(_ value: [UInt8]) -> Bool {
        let sizes: [UInt8: Int] = [1: 12, 2: 20, 3: 24]
        return value.count >= 4 && sizes[value[3]] == value.count
    }
}
