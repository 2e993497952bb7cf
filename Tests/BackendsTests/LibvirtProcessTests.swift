// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Testing

import Backends

struct LibvirtProcessTests {
    @Test(
        arguments: [
            (["qemu", "-name", "guest=rkt-1,debug-threads=on", "-S"], true),
            (["qemu", "-name", "debug-threads=on,guest=rkt-1"], true),
            (["qemu", "-name", "guest=rkt-12,debug-threads=on"], false),
            (["qemu", "-name", "guest=rkt-"], false),
            (["grep", "guest=rkt-1,"], false),
            (["qemu", "-name"], false),
            ([], false),
        ] as [([String], Bool)])
    func `QEMU of a domain is known by its arguments`(arguments: [String], expected: Bool) {
        let bytes: [UInt8] = arguments.flatMap { (word: String) -> [UInt8] in Array(word.utf8) + [0] }
        #expect(LibvirtProcess.isEmulator(bytes, of: "rkt-1") == expected)
    }

    @Test(
        arguments: [
            ("Name:\tqemu\nUid:\t1879050000\t1879050000\t1879050000\t1879050000\nGid:\t1\t1\t1\t1\n", true),
            ("Name:\tqemu\nUid:\t1000\t1000\t1000\t1000\nGid:\t1\t1\t1\t1\n", false),
            ("Uid:\t1879050000\t0\t1879050000\t1879050000\n", false),
            ("Uid:\n", false), ("Name:\tqemu\n", false), ("", false),
        ] as [(String, Bool)])
    func `a process is QEMU's only when it is QEMU's user`(status: String, expected: Bool) {
        #expect(LibvirtProcess.isRun(by: 1_879_050_000, status) == expected)
    }

    @Test(arguments: [
        ("a<b>&'c\"", "a&lt;b&gt;&amp;&apos;c&quot;"), ("tab\tline\n", "tab&#9;line&#10;"), ("größe", "größe"),
    ])
    func `values are escaped`(text: String, expected: String) throws {
        #expect(try XMLElement("a", ["b": text]).rendered() == "<a b='\(expected)'/>\n")
        #expect(try XMLElement("a", text: text).rendered() == "<a>\(expected)</a>\n")
    }

    @Test(arguments: ["\u{0}", "\u{1B}[0m", "\u{FFFF}"])
    func `what XML does not have is refused`(text: String) {
        let error = #expect(throws: RuntimeError.self) { try XMLElement("a", text: text).rendered() }
        #expect(error?.code == .unsupported)
    }
}
