// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Hypervisor
import LinuxPlatform
import SystemPackage

/// What no virtual machine can be, whichever backend makes it.
extension Hypervisor {
    /// Refuses what the backend does not have, and values that no machine takes.
    func validate(_ spec: MachineSpec, mostProcessors: Int) throws {
        guard acceptedAttachments.contains(spec.network.kind) else {
            throw RuntimeError(
                .unsupported,
                "network attachment \"\(spec.network.kind.rawValue)\" cannot be used with the \(kind.rawValue) backend")
        }
        // In MiB; a kernel with its root unpacks and starts in this, and the text of the error is better than a panic.
        let leastMemory = 64
        guard spec.memory >= leastMemory else {
            throw RuntimeError(
                .invalidArgument,
                "memory of \(spec.memory) MiB is too little for a virtual machine; it needs \(leastMemory) MiB or more")
        }
        guard (1...mostProcessors).contains(spec.processors) else {
            throw RuntimeError(
                .invalidArgument,
                "\(spec.processors) virtual processors cannot be had; a machine has 1 to \(mostProcessors)")
        }
        try validateShares(of: spec)
        try validateInterfaces(of: spec)
    }

    /// The paths of the kernel that came with the stage1 and of its initrd.
    func bundledKernel(of spec: MachineSpec) throws -> (FilePath, initrd: FilePath?) {
        guard case .bundled(let path, let initrd) = spec.kernel else {
            throw RuntimeError(
                .unsupported,
                "the host's kernel cannot be used with the \(kind.rawValue) backend; the stage1 has to bring one")
        }
        return (path, initrd)
    }

    /// The path of the guest's root image.
    func rootImage(of spec: MachineSpec) throws -> FilePath {
        guard case .block(let path) = spec.root else {
            throw RuntimeError(
                .unsupported,
                "a directory as root cannot be used with the \(kind.rawValue) backend; it takes an image")
        }
        return path
    }

    /// For what no kernel but the host's can do.
    func refusal(ofBinding source: FilePath, instead transports: String) -> RuntimeError {
        RuntimeError(
            .unsupported,
            "\(source) cannot be bound into a machine of the \(kind.rawValue) backend; share it over \(transports)")
    }

    private func validateShares(of spec: MachineSpec) throws {
        // What both transports take: virtiofs 36 bytes, 9p 31 and a zero byte.
        let longestTag = 31
        var seen: Set<String> = []
        for share in spec.shares {
            // Its place is no tag; the plan refuses it.
            if case .bind = share { continue }
            let tag = share.tag
            guard (1...longestTag).contains(tag.utf8.count), tag.utf8.allSatisfy(isTagByte) else {
                throw RuntimeError(
                    .invalidArgument,
                    "\"\(tag)\" is not a tag of a share; it has 1 to \(longestTag) letters, digits, \"-\", \".\" or \"_\""
                )
            }
            guard seen.insert(tag).inserted else {
                throw RuntimeError(.invalidArgument, "two shares have the tag \"\(tag)\"")
            }
            guard share.source.isAbsolute else {
                throw RuntimeError(
                    .invalidArgument, "the source \"\(share.source)\" of share \"\(tag)\" is not absolute")
            }
        }
    }

    private func validateInterfaces(of spec: MachineSpec) throws {
        var ids: Set<String> = []
        var addresses: Set<HardwareAddress> = []
        guard spec.interfaces.count <= MachineInterface.most else {
            throw RuntimeError(
                .unsupported,
                "\(spec.interfaces.count) network interfaces cannot be had; a machine takes \(MachineInterface.most)")
        }
        for interface in spec.interfaces {
            try interface.validate()
            guard ids.insert(interface.id).inserted else {
                throw RuntimeError(.invalidArgument, "two network interfaces are called \"\(interface.id)\"")
            }
            guard addresses.insert(interface.hardwareAddress).inserted else {
                throw RuntimeError(
                    .invalidArgument,
                    "two network interfaces have the hardware address \(interface.hardwareAddress); the guest tells them "
                        + "apart by it")
            }
        }
    }
}

private func isTagByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"):
        true
    default: false
    }
}
