// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import CLinuxShims
import Diagnostics
import LinuxPlatform
import SystemPackage

/// Process 1 of a guest whose kernel has modules, before there is a root file system: loads what the guest needs, goes
/// over to the guest's root and becomes its first program.
///
/// It is run from an initrd that holds nothing else, and leaves nothing of that in memory.
package enum InitialRoot {
    /// What the kernel calls the first program of an initrd.
    package static let program = "/init"

    private static let modules: FilePath = "/modules"
    private static let device: FilePath = "/dev/vda"
    private static let root: FilePath = "/root"
    /// Milliseconds until the device of the root has to be there.
    private static let patience = 10_000

    /// Runs to the exec of the guest's first program. When that fails this process ends, and the kernel panics.
    package static func run() -> Never {
        do {
            do {
                try Mount.mount(
                    source: "devtmpfs", target: "/dev", type: "devtmpfs", flags: .noSetUserID, data: "mode=0755")
                for module in try files(inOrder: FileSystem.readText(modules.appending("order"))) { try load(module) }
                try awaitDevice()
                try Mount.mount(source: device.string, target: root, type: "erofs", flags: .readOnly)
            } catch {
                // The reason is the last that is seen on the console.
                complain("the guest's root cannot be mounted: \(error)")
                _ = rkt_restart()
                exit(1)
            }
            let program = firstProgram(onCommandLine: try FileSystem.readText("/proc/cmdline")) ?? GuestLayout.program
            try enter()
            try ProcessImage.execute(program, arguments: [program.string], environment: ProcessImage.environment)
        } catch {
            complain("\(error)")
        }
        exit(1)
    }

    /// The kernel ends with this process, and would take with it what the console's driver has not sent by then.
    private static func complain(_ reason: String) {
        fputs("rkt-guest: \(reason)\n", stderr)
        Terminal.drain(.standardError)
    }

    // MARK: - What is told

    /// The files of modules, one on a line, in the order in which they are loaded.
    ///
    /// - Throws: when a line is no name of a file.
    package static func files(inOrder text: String) throws -> [String] {
        try text.split(separator: "\n").map { line in
            guard let name = FilePath.Component(String(line)), name.kind == .regular else {
                throw RuntimeError(.invalidArgument, "\"\(line)\" is not a file of a module")
            }
            return name.string
        }
    }

    /// The value of the kernel's parameter `init`, the last one if there are several; what follows `--` is not the
    /// kernel's.
    package static func firstProgram(onCommandLine text: String) -> FilePath? {
        let words = text.split { $0 == " " || $0 == "\n" }.prefix { $0 != "--" }
        return words.last { $0.hasPrefix("init=") }.map { FilePath(String($0.dropFirst("init=".utf8.count))) }
    }

    // MARK: - Steps

    private static func load(_ name: String) throws {
        let path = modules.appending(name)
        let file: FileDescriptor
        do {
            file = try FileDescriptor.open(path, .readOnly, options: [.closeOnExec])
        } catch let error as Errno {
            throw RuntimeError.systemCall("open", path, error)
        }
        defer { try? file.close() }
        let result = Errno(rawValue: -rkt_load_module(file.rawValue))
        switch result.rawValue {
        // Of several that do the same some want a processor that this one is not.
        case 0, EEXIST, ENODEV: return
        default: throw RuntimeError.systemCall("load", path, result)
        }
    }

    /// Drivers may look for their devices after they are loaded.
    private static func awaitDevice() throws {
        let deadline = Clock.milliseconds + patience
        while !FileSystem.exists(device) {
            guard Clock.milliseconds < deadline else {
                throw RuntimeError(.timeout, "there is no \(device) after \(patience / 1000) seconds")
            }
            usleep(2000)
        }
    }

    /// Makes the mounted root the root of all, with what is mounted already. The initrd cannot be unmounted; what it holds
    /// is removed.
    private static func enter() throws {
        for point in ["dev", "proc"] {
            try Mount.mount(source: "/\(point)", target: root.appending(point), type: "", flags: .move)
        }
        try FileSystem.removeTree(modules)
        try FileSystem.remove(FilePath(program))
        guard chdir(root.string) == 0 else { throw RuntimeError.systemCall("chdir", root, lastErrno) }
        try Mount.mount(source: ".", target: "/", type: "", flags: .move)
        guard chroot(".") == 0, chdir("/") == 0 else { throw RuntimeError.systemCall("chroot", root, lastErrno) }
    }
}
