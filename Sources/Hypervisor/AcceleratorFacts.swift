// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import SystemPackage

/// What the host was seen to offer for acceleration.
package struct AcceleratorFacts: Sendable, Equatable {
    /// Why `/dev/kvm` cannot be opened; nil when it can.
    package let deviceProblem: String?
    /// Whether the processor advertises vmx or svm. Always true where that is not how a processor tells.
    package let processorVirtualizes: Bool

    package init(deviceProblem: String?, processorVirtualizes: Bool) {
        self.deviceProblem = deviceProblem
        self.processorVirtualizes = processorVirtualizes
    }

    /// Why KVM cannot be used here; nil when it can.
    ///
    /// Both facts count: a `/dev/kvm` that opens on an x86 processor without vmx and svm is a software implementation
    /// that does not boot an unmodified kernel.
    package var problem: String? {
        if let deviceProblem { return deviceProblem }
        return processorVirtualizes ? nil : "the processor has neither vmx nor svm"
    }

    /// The accelerator to use under a policy.
    ///
    /// - Throws: `.unsupported` when the policy insists on KVM and there is none.
    package func choose(_ policy: AcceleratorPolicy) throws -> AcceleratorChoice {
        switch (policy, problem) {
        case (.tcg, _):
            return AcceleratorChoice(.tcg)
        case (_, nil):
            return AcceleratorChoice(.kvm)
        case (.auto, let problem?):
            return AcceleratorChoice(.tcg, fallbackReason: problem)
        case (.kvm, let problem?):
            throw RuntimeError(
                .unsupported,
                "the configuration asks for KVM, which cannot be used: \(problem); enable virtualization in the "
                    + "firmware, load KVM (on x86 the module kvm_intel or kvm_amd), or set the accelerator to \"auto\" or \"tcg\""
            )
        }
    }
}

// MARK: - Probing

extension AcceleratorFacts {
    /// Looks at `/dev/kvm` and `/proc/cpuinfo`.
    package static func probe(device: FilePath = "/dev/kvm", processors: FilePath = "/proc/cpuinfo") -> Self {
        AcceleratorFacts(
            deviceProblem: problem(opening: device), processorVirtualizes: processorVirtualizes(processors))
    }

    private static func problem(opening device: FilePath) -> String? {
        do {
            try FileDescriptor.open(device, .readWrite, options: [.closeOnExec]).close()
            return nil
        } catch let errno as Errno {
            return "cannot open \(device): \(errno)"
        } catch {
            return "cannot open \(device)"
        }
    }

    private static func processorVirtualizes(_ path: FilePath) -> Bool {
        #if arch(x86_64) || arch(i386)
            // The first processor's entry is enough, and a large host's file exceeds any sensible limit.
            guard let file = try? FileDescriptor.open(path, .readOnly, options: [.closeOnExec]) else { return false }
            defer { try? file.close() }
            var bytes = [UInt8](repeating: 0, count: 8192)
            // SAFETY: the buffer outlives the call, which writes at most its length.
            let count = (try? bytes.withUnsafeMutableBytes { try file.read(into: $0) }) ?? 0
            return flagsVirtualize(inProcessorInformation: String(decoding: bytes[..<count], as: UTF8.self))
        #else
            return true
        #endif
    }

    /// Whether the first `flags` line of a `/proc/cpuinfo` text holds vmx or svm.
    package static func flagsVirtualize(inProcessorInformation text: String) -> Bool {
        for line in text.split(separator: "\n") {
            let halves = line.split(separator: ":", maxSplits: 1)
            guard halves.count == 2, halves[0].trimmingSuffix(while: { $0 == "\t" || $0 == " " }) == "flags" else {
                continue
            }
            return halves[1].split(separator: " ").contains { $0 == "vmx" || $0 == "svm" }
        }
        return false
    }
}

extension Substring {
    fileprivate func trimmingSuffix(while predicate: (Character) -> Bool) -> Substring {
        var result = self
        while let last = result.last, predicate(last) { result.removeLast() }
        return result
    }
}
