// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Backends
import Hypervisor
import LinuxPlatform
import SystemPackage

/// A program that does what lkvm does as far as its callers see it, and runs no guest.
///
/// It makes pseudo-terminals of serial ports and tells of them, treats Ctrl-A as lkvm does, writes "console" where the
/// guest's console is, says back on the boot port what it hears there, and ends when it hears "end", as a guest that
/// restarts ends lkvm. It keeps its arguments in a file.
enum FakeLKVM {
    /// - Parameter insert: lines that are run before any of that.
    static func write(to path: FilePath, arguments: FilePath, insert: String = "") throws {
        try FileSystem.write(
            """
            #!/usr/bin/env python3
            import os, select, sys, tty
            if sys.argv[1] == "version":
                print("kvm tool 3.18.0")
                sys.exit(0)
            open("\(arguments)", "w").write("\\n".join(sys.argv) + "\\n")
            \(insert)
            if not os.isatty(0) or not os.isatty(1):
                sys.exit("standard input is no terminal")
            masters = {}
            for name, value in zip(sys.argv, sys.argv[1:]):
                if name == "--tty":
                    masters[int(value)], slave = os.openpty()
                    tty.setraw(slave)
                    print("  Info: Assigned terminal %s to pty %s" % (value, os.ttyname(slave)), flush=True)
                    os.close(slave)
            print("  # lkvm run", flush=True)
            os.mkdir(os.environ["HOME"] + "/.lkvm")
            heard, escaped, port = b"", False, masters[1]
            # Until somebody has opened the terminal its master cannot be read.
            poll = select.poll()
            poll.register(port, select.POLLIN)
            while not poll.poll()[0][1] & select.POLLIN:
                pass
            os.write(1, b"console\\n")
            print("a word of its own", file=sys.stderr, flush=True)
            while not heard.endswith(b"end"):
                byte = os.read(port, 1)
                if byte == b"\\x01" and not escaped:
                    escaped = True
                    continue
                if escaped and byte == b"x":
                    sys.exit(1)
                escaped = False
                heard += byte
                os.write(port, byte)

            """.utf8, to: path, mode: 0o755)
    }
}
