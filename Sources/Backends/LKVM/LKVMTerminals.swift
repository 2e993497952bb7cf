// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import SystemPackage

/// The pseudo-terminals that lkvm makes of serial ports (`--tty`), by what it says of them.
package enum LKVMTerminals {
    /// Longer than any line that names one.
    private static let longestLine = 256

    /// The paths by the serial ports' numbers. The last line counts only when it is complete.
    ///
    /// Of several lines on a port the first counts: what follows it on lkvm's output may be the guest's, which is not to
    /// choose a terminal of the host.
    package static func paths(in text: some Collection<UInt8>) -> [Int: FilePath] {
        var paths: [Int: FilePath] = [:]
        var rest = text[...]
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
            let line = rest[..<end]
            rest = rest[rest.index(after: end)...]
            guard line.count <= longestLine else { continue }
            let words = String(decoding: line, as: UTF8.self).split { $0 == " " || $0 == "\r" }.map(String.init)
            // "  Info: Assigned terminal 1 to pty /dev/pts/5"
            guard words.count >= 6, words.suffix(6).starts(with: ["Assigned", "terminal"]),
                let number = Int(words[words.count - 4]), words[words.count - 3] == "to",
                words[words.count - 2] == "pty"
            else { continue }
            let device = words[words.count - 1].dropFirst("/dev/pts/".count)
            guard words[words.count - 1].hasPrefix("/dev/pts/"), !device.isEmpty, device.utf8.count < 10,
                device.utf8.allSatisfy({ $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") })
            else { continue }
            if paths[number] == nil { paths[number] = FilePath("/dev/pts/\(device)") }
        }
        return paths
    }
}
