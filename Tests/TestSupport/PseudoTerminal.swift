// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import LinuxPlatform
import SystemPackage

/// A terminal for a program, with the test at its keys and screen.
package final class PseudoTerminal {
    package let master: FileDescriptor
    package let slave: FileDescriptor
    private var bytes: [UInt8] = []

    package init(rows: UInt16 = 24, columns: UInt16 = 80) throws {
        var ends: (CInt, CInt) = (-1, -1)
        var size = winsize(ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0)
        guard openpty(&ends.0, &ends.1, nil, nil, &size) == 0 else { throw Errno(rawValue: errno) }
        master = FileDescriptor(rawValue: ends.0)
        slave = FileDescriptor(rawValue: ends.1)
        for end in [ends.0, ends.1] { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        try UnixSocket.setNonBlocking(master)
    }

    deinit {
        try? master.close()
        try? slave.close()
    }

    package func type(_ text: String) throws { try FileSystem.writeAll(Array(text.utf8), to: master) }

    package func resize(rows: UInt16, columns: UInt16) {
        Terminal.setSize(TerminalSize(rows: rows, columns: columns), of: master)
    }

    /// Everything shown so far.
    package var screen: String {
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = buffer.withUnsafeMutableBytes { read(master.rawValue, $0.baseAddress, $0.count) }
            guard count > 0 else { break }
            bytes += buffer[..<count]
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Its lines that are not empty.
    package var lines: [String] { screen.split(whereSeparator: \.isNewline).map(String.init) }

    /// Waits until a text has been shown.
    package func awaitText(
        _ text: String, within limit: Duration = .seconds(90), isolation: isolated (any Actor)? = #isolation
    ) async throws {
        do {
            try await eventually("\"\(text)\" on the terminal", within: limit) { screen.contains(text) }
        } catch {
            print("The terminal shows:\n\(screen)")
            throw error
        }
    }

    /// The terminal's modes (termios(3)).
    package var modes: [UInt32] {
        var settings = termios()
        tcgetattr(slave.rawValue, &settings)
        return [settings.c_iflag, settings.c_oflag, settings.c_cflag, settings.c_lflag]
    }
}
