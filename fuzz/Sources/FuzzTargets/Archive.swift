// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import CLinuxShims
import ImageArchive
import SystemPackage

/// Reads an image file, from memory.
@_cdecl("rkt_fuzz_archive")
package func fuzzArchive(_ bytes: UnsafePointer<UInt8>, _ count: Int) {
    withMemoryFile(bytes, count) { file in
        let limits = ArchiveLimits(entries: 1000, expandedBytes: 16 << 20)
        _ = try? ImageImporter.importImage(from: file, name: "input", limits: limits)
    }
}

/// Makes the bytes of an input a file without a name.
func withMemoryFile(_ bytes: UnsafePointer<UInt8>, _ count: Int, _ body: (FileDescriptor) throws -> Void) rethrows {
    let file = FileDescriptor(rawValue: rkt_memfd_create("input", 0))
    defer { try? file.close() }
    // SAFETY: libFuzzer passes `count` readable bytes.
    let input = UnsafeRawBufferPointer(start: bytes, count: count)
    precondition((try? file.writeAll(toAbsoluteOffset: 0, input)) == count, "the input cannot be written")
    try body(file)
}
