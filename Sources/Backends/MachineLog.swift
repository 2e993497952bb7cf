// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import LinuxPlatform
import SystemPackage

/// The file that takes what a machine's processes print.
struct MachineLog {
    /// Open for appending and reading; belongs to the machine.
    let file: FileDescriptor
    /// Where this machine's lines start.
    private let start: Int64

    init(_ path: FilePath) throws {
        do {
            file = try FileDescriptor.open(
                path, .readWrite, options: [.append, .create, .closeOnExec],
                permissions: FilePermissions(rawValue: 0o640))
            start = try file.seek(offset: 0, from: .end)
        } catch let errno as Errno {
            throw RuntimeError.systemCall("open", path, errno)
        }
    }

    /// The last lines written since the machine was launched, control characters replaced: the text may hold what the
    /// guest wrote.
    func tail(lines: Int = 8, bytes: Int = 4096) -> String {
        guard let end = try? file.seek(offset: 0, from: .end), end > start else { return "" }
        var buffer = [UInt8](repeating: 0, count: Int(min(end - start, Int64(bytes))))
        let offset = end - Int64(buffer.count)
        // SAFETY: the buffer outlives the call, which writes at most its length.
        let count = (try? buffer.withUnsafeMutableBytes { try file.read(fromAbsoluteOffset: offset, into: $0) }) ?? 0
        let text = Self.printable(buffer[..<count]).split(separator: "\n").filter { !Self.isNoise($0) }
        return text.suffix(lines).joined(separator: "\n")
    }

    /// Keeps what a process has printed elsewhere.
    func append(_ bytes: [UInt8]) { try? FileSystem.writeAll(bytes, to: file) }

    /// What virtiofsd of QEMU 7.2 says whenever QEMU ends, however orderly.
    private static func isNoise(_ line: Substring) -> Bool {
        line == "virtio_loop: Unexpected poll revents 11" || line.hasPrefix("fv_remove_watch: TODO!")
    }

    static func printable(_ bytes: some Sequence<UInt8>) -> String {
        let cleaned = bytes.filter { $0 != UInt8(ascii: "\r") }.map { byte in
            byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\t") || (byte >= 0x20 && byte != 0x7F)
                ? byte : UInt8(ascii: "?")
        }
        return String(decoding: cleaned, as: UTF8.self)
    }
}
