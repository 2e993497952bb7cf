// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import LinuxPlatform
import SystemPackage

extension GuestKernel {
    /// What the kernel that a backend takes is called in the stage1 image that comes with rkt.
    ///
    /// An ELF file with a PVH note starts without being decompressed; `vmlinuz` is the same kernel as a bzImage.
    /// Loaders of aarch64 know one form only.
    package static func fileName(
        for capabilities: HypervisorCapabilities, _ architecture: GuestArchitecture = .host
    ) -> String {
        switch architecture {
        case .x86_64: capabilities.contains(.executableKernel) ? "vmlinux" : "vmlinuz"
        case .aarch64: "Image"
        }
    }

    /// What an image that depends on another one lays beside that one's kernels.
    private static let other = "bzImage"

    /// The kernel of a stage1 image: its `bzImage`, which an image that depends on another one may lay beside that
    /// one's kernels and every backend takes, or else the one that the backend takes; with its `initrd` if there is
    /// one.
    ///
    /// A kernel that is not there at all is told when the machine's files are looked for.
    ///
    /// - Parameters:
    ///   - root: the image's root directory.
    ///   - capabilities: what the backend can do.
    ///   - architecture: that of the machine.
    /// - Throws: when the kernel is no such file, or one that cannot be booted directly.
    package init(
        inStage1 root: FilePath, for capabilities: HypervisorCapabilities, _ architecture: GuestArchitecture = .host
    ) throws {
        let initrd = root.appending("initrd")
        let other = root.appending(Self.other)
        let bundled = root.appending(Self.fileName(for: capabilities, architecture))
        let kernel = architecture == .x86_64 && FileSystem.exists(other) ? other : bundled
        if architecture == .x86_64, FileSystem.exists(kernel) {
            let isExecutable = kernel == bundled && capabilities.contains(.executableKernel)
            try KernelFile(kernel).require(executable: isExecutable)
        }
        self = .bundled(kernel, initrd: FileSystem.exists(initrd) ? initrd : nil)
    }
}

/// What the file of a kernel says of how it can be booted.
struct KernelFile {
    private let file: FileDescriptor
    private let path: FilePath

    /// More than any kernel has: program headers, and bytes of notes.
    private static let mostHeaders = 64
    private static let mostNotes = 256 << 10

    init(_ path: FilePath) throws {
        self.path = path
        do {
            file = try FileDescriptor.open(path, .readOnly, options: [.closeOnExec, .nonBlocking])
        } catch let error as Errno {
            throw RuntimeError.systemCall("open", path, error)
        }
    }

    /// - Throws: when it cannot be booted directly, as what it is to be.
    func require(executable: Bool) throws {
        if executable {
            guard try hasPVHEntry else {
                throw RuntimeError(
                    .invalidArgument,
                    "the guest kernel \"\(path)\" is not an ELF file with a PVH note; use the bzImage of that "
                        + "kernel, or build it with CONFIG_PVH")
            }
        } else {
            guard try isBootSector else {
                throw RuntimeError(
                    .invalidArgument,
                    "the guest kernel \"\(path)\" is not a bzImage; make the stage1 image from the bzImage of its "
                        + "kernel")
            }
        }
    }

    /// Whether it has the header of x86's boot protocol ("The Linux/x86 Boot Protocol", `HdrS`).
    var isBootSector: Bool { get throws { try reading { try bytes(at: 0x202, 4) == Array("HdrS".utf8) } } }

    /// Whether it is a 64-bit ELF file with the note XEN_ELFNOTE_PHYS32_ENTRY, which says where it starts without a boot
    /// loader.
    var hasPVHEntry: Bool {
        get throws {
            try reading {
                let header = try bytes(at: 0, 64)
                guard header.count == 64, header.starts(with: [0x7F, 0x45, 0x4C, 0x46, 2, 1]) else { return false }
                let size = Int(header.number(at: 54, 2))
                let count = Int(header.number(at: 56, 2))
                guard size >= 56, (1...Self.mostHeaders).contains(count) else { return false }
                let table = try bytes(at: header.number(at: 32, 8), size * count)
                guard table.count == size * count else { return false }
                return try (0..<count).contains { index in
                    let segment = table[(index * size)..<((index + 1) * size)]
                    // PT_NOTE
                    guard segment.number(at: 0, 4) == 4 else { return false }
                    let length = Int(clamping: segment.number(at: 32, 8))
                    let notes = try bytes(at: segment.number(at: 8, 8), min(length, Self.mostNotes))
                    return Self.namesEntry(notes)
                }
            }
        }
    }

    /// Looks through notes: the lengths of name and contents, the type, and both, each filled up to four bytes (elf(5)).
    private static func namesEntry(_ notes: [UInt8]) -> Bool {
        var rest = notes[...]
        while rest.count >= 12 {
            let name = Int(rest.number(at: 0, 4))
            let contents = Int(rest.number(at: 4, 4))
            let type = rest.number(at: 8, 4)
            rest = rest.dropFirst(12)
            if type == 18, rest.starts(with: Array("Xen\0".utf8)), name == 4 { return true }
            rest = rest.dropFirst((name + 3) / 4 * 4).dropFirst((contents + 3) / 4 * 4)
        }
        return false
    }

    private func reading(_ body: () throws -> Bool) throws -> Bool {
        defer { try? file.close() }
        return try body()
    }

    /// Fewer bytes than asked for at the end of the file.
    private func bytes(at offset: UInt64, _ count: Int) throws -> [UInt8] {
        guard let offset = Int64(exactly: offset) else { return [] }
        var buffer = [UInt8](repeating: 0, count: count)
        do {
            // SAFETY: the buffer outlives the call, which writes at most its length.
            let read = try buffer.withUnsafeMutableBytes { try file.read(fromAbsoluteOffset: offset, into: $0) }
            return Array(buffer.prefix(read))
        } catch let error as Errno {
            throw RuntimeError.systemCall("read", path, error)
        }
    }
}

extension Collection<UInt8> {
    /// A little-endian number; zero bytes stand for what is not there.
    fileprivate func number(at offset: Int, _ count: Int) -> UInt64 {
        dropFirst(offset).prefix(count).reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}
