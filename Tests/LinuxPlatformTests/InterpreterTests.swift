// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import LinuxPlatform
import Testing

struct InterpreterTests {
    @Test(arguments: [
        ("#!/bin/sh\necho", "/bin/sh"), ("#! /usr/bin/env python3 -u\n", "/usr/bin/env"), ("#!/bin/x", "/bin/x"),
    ]) func findsTheProgramOfAScript(text: String, interpreter: String) {
        #expect(Interpreter.parse(Array(text.utf8)) == interpreter)
    }

    @Test(arguments: ["", "#", "#!\n", "text", "\u{7f}ELF"]) func otherFilesHaveNone(text: String) {
        #expect(Interpreter.parse(Array(text.utf8)) == nil)
    }

    /// A 64-bit ELF file with one program header of type PT_INTERP.
    private func elf(offset: UInt64, length: UInt64) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 160)
        func put(_ value: UInt64, _ position: Int, _ width: Int) {
            for index in 0..<width { bytes[position + index] = UInt8(truncatingIfNeeded: value >> UInt64(index * 8)) }
        }
        bytes.replaceSubrange(0..<6, with: [0x7f, 0x45, 0x4c, 0x46, 2, 1])
        put(64, 32, 8)
        put(56, 54, 2)
        put(1, 56, 2)
        put(3, 64, 4)
        put(offset, 72, 8)
        put(length, 96, 8)
        bytes.replaceSubrange(120..<128, with: Array("/lib/ld\0".utf8))
        return bytes
    }

    @Test func findsTheLoaderOfAnELFFile() { #expect(Interpreter.parse(elf(offset: 120, length: 8)) == "/lib/ld") }

    @Test(
        arguments: [(UInt64.max, 8), (120, UInt64.max), (159, 8), (UInt64(Int64.max), UInt64(Int64.max))]
            as [(UInt64, UInt64)])
    func headersThatPointOutsideTheFileAreIgnored(offset: UInt64, length: UInt64) {
        #expect(Interpreter.parse(elf(offset: offset, length: length)) == nil)
    }
}
