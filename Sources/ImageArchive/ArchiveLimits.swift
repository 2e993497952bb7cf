// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics

/// How much one archive may ask for before it is refused.
package struct ArchiveLimits: Sendable, Equatable {
    /// Entries of any kind, and directories that they need and that have no entry.
    package var entries: Int
    /// Bytes of all files together, holes of sparse files counted.
    package var expandedBytes: Int64
    /// Bytes of the manifest.
    package var manifestBytes: Int
    /// Bytes of the archive's file, compressed as it is, when it comes from the network.
    package var fileBytes: Int64

    package init(
        entries: Int = 2_000_000, expandedBytes: Int64 = 1 << 40, manifestBytes: Int = 4 << 20,
        fileBytes: Int64 = 64 << 30
    ) {
        self.fileBytes = fileBytes
        self.entries = entries
        self.expandedBytes = expandedBytes
        self.manifestBytes = manifestBytes
    }

    /// Bytes of the uncompressed archive: its files, two blocks of header for an entry, and what pads the end.
    var streamBytes: Int64 {
        let (headers, isHuge) = Int64(entries).multipliedReportingOverflow(by: 1024)
        let (sum, overflow) = expandedBytes.addingReportingOverflow(isHuge ? .max : headers)
        return overflow ? .max : sum + min(1 << 20, .max - sum)
    }

    /// The most that an archive may need to describe one entry: names, attributes, the map of a sparse file.
    static let headerBytes = 16 << 20
    /// The most that all names of an archive may take, those of needed directories and targets of hard links counted.
    static let nameBytes = 1 << 30
    /// The deepest nesting of directories.
    static let depth = 1024

    /// The error for an archive of too many entries.
    package func tooManyEntries(_ name: String) -> RuntimeError {
        RuntimeError(
            .invalidArgument,
            "\(name) holds more than \(entries) entries, the most allowed; "
                + ArchiveLimits.remedy("imageEntries"))
    }

    /// The error for an archive of too many bytes.
    package func tooLarge(_ name: String) -> RuntimeError {
        RuntimeError(
            .invalidArgument,
            "\(name) expands to more than \(expandedBytes) bytes, the most allowed; "
                + ArchiveLimits.remedy("imageExpandedSize"))
    }

    /// How a user raises a limit: the field of the configuration that holds it.
    package static func remedy(_ field: String) -> String {
        "if you trust it, raise \"\(field)\" in a configuration file of the kind limits"
    }
}
