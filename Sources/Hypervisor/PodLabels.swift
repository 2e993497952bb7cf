// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import LinuxPlatform
import SystemPackage

/// The contexts of SELinux that one pod has: those that the host's policy has for pods, with categories that no other pod
/// has. They are chosen when the pod is started, and stand in its directory.
package struct PodLabels: Sendable, Equatable {
    package let categories: SELinuxCategories
    /// Its processes: the hypervisor, or the container.
    package let process: SELinuxContext
    /// A hypervisor without hardware virtualization.
    package let emulated: SELinuxContext
    /// Its files.
    package let file: SELinuxContext

    /// - Parameter hasOwnKernel: whether the pod is a virtual machine.
    /// - Returns: nil where the policy has nothing for such pods.
    package init?(_ policy: SELinuxPolicy, hasOwnKernel: Bool, _ categories: SELinuxCategories) {
        guard let process = hasOwnKernel ? policy.virtualMachine : policy.container,
            let file = hasOwnKernel ? policy.machineFile : policy.containerFile
        else { return nil }
        self.categories = categories
        self.process = process.confined(to: categories)
        emulated = ((hasOwnKernel ? policy.emulatedMachine : nil) ?? process).confined(to: categories)
        self.file = file.confined(to: categories)
    }

    /// Chooses those of a pod.
    ///
    /// - Parameter others: the descriptions of those of all other pods.
    /// - Returns: nil where the policy has nothing for such pods.
    /// - Throws: when what another pod has cannot be understood, or no categories are left.
    package init?(
        _ policy: SELinuxPolicy, hasOwnKernel: Bool, others: [String],
        _ generator: inout some RandomNumberGenerator
    ) throws {
        let used = try Set(others.map { try PodLabels(parsing: $0).categories })
        guard let categories = SELinuxCategories(unusedBy: used, &generator) else {
            throw RuntimeError(
                .unsupported,
                "every pair of categories of SELinux is a pod's: remove pods that have ended with rkt gc")
        }
        self.init(policy, hasOwnKernel: hasOwnKernel, categories)
    }

    /// What a process of the pod runs in.
    ///
    /// - Parameter accelerator: nil for a container.
    package func process(_ accelerator: Accelerator?) -> SELinuxContext {
        switch accelerator {
        case .kvm, nil: process
        case .tcg: emulated
        }
    }
}

extension PodLabels: CustomStringConvertible {
    /// One line each, `NAME=VALUE`.
    package var description: String {
        "categories=\(categories)\nprocess=\(process)\nemulated=\(emulated)\nfile=\(file)\n"
    }

    /// Reads the description.
    package init(parsing text: String) throws {
        var values: [Substring: Substring] = [:]
        for line in text.split(separator: "\n") {
            let halves = line.split(separator: "=", maxSplits: 1)
            if halves.count == 2 { values[halves[0]] = halves[1] }
        }
        func context(_ name: Substring) -> SELinuxContext? { values[name].flatMap { SELinuxContext(String($0)) } }
        guard let categories = values["categories"].flatMap({ SELinuxCategories($0) }),
            let process = context("process"), let emulated = context("emulated"), let file = context("file")
        else {
            throw RuntimeError(.invalidArgument, "what stands for the SELinux contexts of a pod does not name them")
        }
        (self.categories, self.process, self.emulated, self.file) = (categories, process, emulated, file)
    }

    /// Reads the file of a pod; nil when there is none, as the pod has no contexts of its own.
    package static func read(_ path: FilePath) throws -> PodLabels? {
        let text: String
        do {
            text = try FileSystem.readText(path, limit: 4096)
        } catch let error as RuntimeError where error.code == .notFound {
            return nil
        }
        do {
            return try PodLabels(parsing: text)
        } catch {
            throw RuntimeError(.invalidArgument, "\(path) cannot be used; remove the pod", cause: error)
        }
    }
}

/// What to do about contexts that cannot be had.
extension SELinuxContext {
    package static let remedy =
        "the host's policy has to allow it (ausearch -m AVC shows what it refuses); or set \"selinux\" of the configuration "
        + "kind hypervisor to \"off\""

    /// Gives a file the context; a symbolic link itself, and not what it leads to.
    package func set(on path: FilePath) throws {
        do {
            // The kernel counts the zero byte in.
            try ExtendedAttributes.set("security.selinux", Array(description.utf8) + [0], of: path)
        } catch {
            throw RuntimeError(
                .unsupported, "cannot give \(path) the SELinux context \"\(self)\" (\(error)); \(Self.remedy)")
        }
    }
}
