// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import Diagnostics
import SystemPackage

/// Window size of a terminal in character cells.
package struct TerminalSize: Equatable, Sendable {
    package var rows: UInt16
    package var columns: UInt16
    package init(rows: UInt16, columns: UInt16) {
        self.rows = rows
        self.columns = columns
    }
}

/// A terminal that this process reads from, and its settings (termios(3)).
package struct Terminal {
    package let descriptor: FileDescriptor
    private let saved: termios

    /// Nil when the descriptor is not a terminal.
    package init?(_ descriptor: FileDescriptor) {
        var settings = termios()
        guard isatty(descriptor.rawValue) == 1, tcgetattr(descriptor.rawValue, &settings) == 0 else { return nil }
        self.descriptor = descriptor
        saved = settings
    }

    /// Opens a terminal or a serial port that is to carry bytes as they are. It does not become the controlling one.
    package static func openRaw(_ path: FilePath) throws -> FileDescriptor {
        let descriptor = FileDescriptor(rawValue: open(path.string, O_RDWR | O_NOCTTY | O_CLOEXEC))
        guard descriptor.rawValue >= 0 else { throw RuntimeError.systemCall("open", path, lastErrno) }
        guard let terminal = Terminal(descriptor) else {
            try? descriptor.close()
            throw RuntimeError(.invalidArgument, "\"\(path)\" is not a terminal")
        }
        terminal.makeRaw()
        return descriptor
    }

    /// Waits until everything written to a terminal or a serial port has left it; returns at once for anything else.
    package static func drain(_ descriptor: FileDescriptor) { _ = tcdrain(descriptor.rawValue) }

    /// Every key goes to the reader, also those that make signals.
    package func makeRaw() {
        var settings = saved
        cfmakeraw(&settings)
        tcsetattr(descriptor.rawValue, TCSANOW, &settings)
    }

    /// Keys are read one by one and not shown; signals and output processing stay.
    package func makeUnbuffered() {
        var settings = saved
        settings.c_lflag &= ~tcflag_t(ICANON | ECHO)
        tcsetattr(descriptor.rawValue, TCSANOW, &settings)
    }

    /// The next line, without its end; nil at the end of input. Nothing behind the line is taken.
    package func readLine(limit: Int = 4096) -> String? {
        var bytes: [UInt8] = []
        while bytes.count < limit {
            var byte: UInt8 = 0
            let count = read(descriptor.rawValue, &byte, 1)
            if count < 0, lastErrno == .interrupted { continue }
            guard count == 1 else { return bytes.isEmpty ? nil : String(decoding: bytes, as: UTF8.self) }
            if byte == UInt8(ascii: "\n") { break }
            bytes.append(byte)
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    package func restore() {
        var settings = saved
        tcsetattr(descriptor.rawValue, TCSANOW, &settings)
    }

    package var size: TerminalSize? {
        var window = winsize()
        guard ioctl(descriptor.rawValue, UInt(TIOCGWINSZ), &window) == 0 else { return nil }
        return TerminalSize(rows: window.ws_row, columns: window.ws_col)
    }

    package static func setSize(_ size: TerminalSize, of descriptor: FileDescriptor) {
        var window = winsize(ws_row: size.rows, ws_col: size.columns, ws_xpixel: 0, ws_ypixel: 0)
        _ = ioctl(descriptor.rawValue, UInt(TIOCSWINSZ), &window)
    }
}
