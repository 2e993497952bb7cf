// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import CLinuxShims
import Diagnostics
import SystemPackage

/// Filters as one program for the kernel (bpf(2)): where some frames are to be dropped, classifiers alone do not do.
///
/// The program reads the Ethernet frame from its first byte. A frame that ends before the bytes that are asked for is let
/// pass, as it is none of the protocols that are filtered.
struct FilterProgram {
    /// `struct bpf_insn`, eight bytes each.
    private(set) var instructions = NetlinkBytes()

    private enum Code {
        // Moves a register, or a number, to another.
        static let moveRegister: UInt8 = 0xbf
        static let moveNumber: UInt8 = 0xb7
        // Loads from the frame into register 0.
        static let loadWord: UInt8 = 0x20
        static let loadHalf: UInt8 = 0x28
        static let and: UInt8 = 0x54
        /// Compares 32 bits (Linux 5.1).
        static let jumpUnequal: UInt8 = 0x56
        static let exit: UInt8 = 0x95
    }

    /// TC_ACT_OK and TC_ACT_SHOT.
    private static let pass: UInt32 = 0
    private static let drop: UInt32 = 2
    private static let ethernetHeader: Int32 = 14

    /// - Parameter filters: the first that matches decides; frames that none matches are dropped.
    init(_ filters: [FrameGate]) {
        // Loads expect the frame in register 6.
        add(Code.moveRegister, registers: 0x16)
        for filter in filters {
            let steps = filter.content == .any ? filter.matches.count : filter.matches.count + 1
            // A step is a load, a mask and a jump over those that follow and over the end.
            var left = steps
            func rest() -> Int16 {
                left -= 1
                return Int16(clamping: left * 3 + 2)
            }
            if filter.content != .any {
                add(Code.loadHalf, number: 12)
                add(Code.and, number: 0xffff)
                add(Code.jumpUnequal, offset: rest(), number: UInt32(filter.content.rawValue))
            }
            for match in filter.matches {
                add(Code.loadWord, number: UInt32(bitPattern: match.offset + Self.ethernetHeader))
                add(Code.and, number: match.mask)
                add(Code.jumpUnequal, offset: rest(), number: match.value)
            }
            end(filter.passes ? Self.pass : Self.drop)
            // The kernel takes no instructions that are never reached.
            if steps == 0 { return }
        }
        end(Self.drop)
    }

    /// Gives the program to the kernel, which keeps it for as long as it is open or used.
    func load() throws -> FileDescriptor {
        let bytes = instructions.bytes
        guard bytes.count / 8 <= Self.longest else {
            throw RuntimeError(.unsupported, "the filter of a network interface has too many addresses")
        }
        // SAFETY: the pointer is used only while the array is borrowed, and the kernel copies what it points to.
        let descriptor = try bytes.withUnsafeBytes {
            try check(rkt_load_filter_program($0.baseAddress, UInt32($0.count / 8)), "bpf")
        }
        return FileDescriptor(rawValue: descriptor)
    }

    /// `BPF_MAXINSNS`.
    private static let longest = 4096

    private mutating func end(_ verdict: UInt32) {
        add(Code.moveNumber, number: verdict)
        add(Code.exit)
    }

    private mutating func add(_ code: UInt8, registers: UInt8 = 0, offset: Int16 = 0, number: UInt32 = 0) {
        instructions.append(code)
        instructions.append(registers)
        instructions.append(offset)
        instructions.append(number)
    }
}
