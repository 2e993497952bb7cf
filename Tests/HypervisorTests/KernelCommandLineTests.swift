// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Hypervisor
import Testing

struct KernelCommandLineTests {
    @Test func `order is defaults, added, user's, arguments of the first program`() throws {
        var line = KernelCommandLine([.init("console", "ttyS0"), .init("ro")])
        try line.appendUserParameters("loglevel=7 -- single")
        line.append("init", "/sbin/init")
        #expect(try line.rendered() == "console=ttyS0 ro init=/sbin/init loglevel=7 -- single")
    }

    @Test func `a value with blanks is quoted, others are not`() throws {
        var line = KernelCommandLine()
        line.append("dyndbg", "file drivers/virtio/* +p")
        line.append("a", "b=c")
        line.append("empty", "")
        #expect(try line.rendered() == #"dyndbg="file drivers/virtio/* +p" a=b=c empty="#)
    }

    @Test(arguments: [
        ("", ""),
        ("  a \t b=1\n", "a b=1"),
        (#"dyndbg="a b" c"#, #"dyndbg="a b" c"#),
        (#""dyndbg=a b""#, #"dyndbg="a b""#),
        ("debug -- one \"two three\"", #"debug -- one "two three""#),
        ("-- only", "-- only"),
        ("--", ""),
        (#"""# + #"""#, ""),
        ("ø=å", "ø=å"),
    ])
    func `user parameters keep their meaning`(text: String, expected: String) throws {
        var line = KernelCommandLine()
        try line.appendUserParameters(text)
        #expect(try line.rendered() == expected)
    }

    @Test(arguments: [#"a="b"#, "a\u{0}b", "a\u{1B}[0m", "x=\"a\nb\""])
    func `user parameters that no kernel could read are refused`(text: String) {
        var line = KernelCommandLine()
        #expect(throws: RuntimeError.self) { try line.appendUserParameters(text) }
    }

    @Test(arguments: [("a b", "c"), ("", "c"), ("a\"", "c"), ("a", "c\"d"), ("a", "line\nbreak")])
    func `parameters that cannot be written are refused`(name: String, value: String) {
        let line = KernelCommandLine([.init(name, value)])
        #expect(throws: RuntimeError.self) { try line.rendered() }
    }

    @Test func `a text longer than a kernel takes is refused and the limit is named`() throws {
        let line = KernelCommandLine([.init("a", String(repeating: "x", count: KernelCommandLine.maximumLength - 2))])
        #expect(try line.rendered().utf8.count == 2047)
        let longer = KernelCommandLine([.init("a", String(repeating: "x", count: KernelCommandLine.maximumLength - 1))])
        let error = #expect(throws: RuntimeError.self) { try longer.rendered() }
        #expect(error?.message.contains("2048 bytes") == true)
        #expect(error?.message.contains("2047") == true)
    }

    @Test func `the user can override a default`() throws {
        var line = KernelCommandLine.standard(firstProgram: "/init")
        try line.appendUserParameters("console=hvc0")
        let words = try line.rendered().split(separator: " ")
        #expect(words.last { $0.hasPrefix("console=") } == "console=hvc0")
        #expect(words.contains("init=/init"))
    }

    @Test func `the console is the serial port that the architecture has`() throws {
        let x86 = try KernelCommandLine.standard(firstProgram: "/init", architecture: .x86_64).rendered()
        let arm = try KernelCommandLine.standard(firstProgram: "/init", architecture: .aarch64).rendered()
        #expect(x86.hasPrefix("console=ttyS0 "))
        #expect(arm.hasPrefix("console=ttyAMA0 "))
        // What only x86 has.
        for word in ["no_timer_check", "8250.nr_uarts=1"] {
            #expect(x86.contains(word))
            #expect(!arm.contains(word))
        }
        #expect(x86.hasSuffix("dummy.numdummies=0 quiet") && arm.hasSuffix("dummy.numdummies=0 quiet"))
    }

    @Test func `quiet only when not verbose`() throws {
        #expect(try KernelCommandLine.standard(firstProgram: "/init").rendered().hasSuffix(" quiet"))
        #expect(!(try KernelCommandLine.standard(firstProgram: "/init", verbose: true).rendered().contains("quiet")))
    }
}
