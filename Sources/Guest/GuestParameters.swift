// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import LinuxPlatform

/// What the guest's kernel was booted with, as far as it concerns the programs of the guest.
package struct GuestParameters {
    private let words: [Substring]

    package init(_ text: String) {
        words = text.split { $0 == " " || $0 == "\n" }
    }

    /// Those of this guest (proc(5)).
    static var current: GuestParameters {
        GuestParameters((try? FileSystem.readText("/proc/cmdline", limit: 8192)) ?? "")
    }

    /// A parameter's value. The last counts, as in the kernel.
    package subscript(name: String) -> String? {
        words.last { $0.hasPrefix("\(name)=") }.map { String($0.dropFirst(name.count + 1)) }
    }
}
