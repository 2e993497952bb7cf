// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import SystemPackage

/// How an image file is compressed, told from its first bytes and never from its name.
package enum Compression: String, Sendable, CaseIterable {
    case none, gzip, bzip2, xz, zstd

    init(ofFileStarting head: some Collection<UInt8>) {
        let magic: [(Compression, [UInt8])] = [
            (.gzip, [0x1f, 0x8b]), (.bzip2, [0x42, 0x5a, 0x68]), (.xz, [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]),
            (.zstd, [0x28, 0xb5, 0x2f, 0xfd]),
        ]
        self = magic.first { head.starts(with: $0.1) }?.0 ?? .none
    }

    /// A source of the decompressed bytes; one layer is taken off.
    func decompress(_ source: DescriptorSource) throws -> any ByteSource {
        switch self {
        case .none: source
        case .gzip: try GzipSource(source)
        case .bzip2, .xz, .zstd: try FilterSource(source, self)
        }
    }

    /// The error for data that end early or do not decompress.
    func corrupt(_ name: String, _ detail: String) -> RuntimeError {
        RuntimeError(
            .invalidArgument,
            "\(name) cannot be decompressed (\(detail)): its \(rawValue) data are damaged or end early; get it again")
    }
}
