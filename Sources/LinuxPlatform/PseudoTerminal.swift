// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import CLinuxShims
import SystemPackage

/// The two ends of a pseudo-terminal (pty(7)) that carries bytes as they are.
package enum PseudoTerminal {
    /// Makes one. What either end writes the other reads unchanged.
    package static func open() throws -> (master: FileDescriptor, slave: FileDescriptor) {
        var path = [CChar](repeating: 0, count: 64)
        let master = FileDescriptor(rawValue: try check(rkt_open_terminal(&path, CInt(path.count)), "openpt"))
        do {
            let name = String(decoding: path.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            return (master, try Terminal.openRaw(FilePath(name)))
        } catch {
            try? master.close()
            throw error
        }
    }
}
