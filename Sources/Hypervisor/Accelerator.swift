// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// What executes the guest's instructions.
package enum Accelerator: String, Sendable, CaseIterable {
    /// The processor itself, through the kernel's virtualization.
    case kvm
    /// QEMU's emulation: isolates, but its authors give no security promise for it, and it is slow.
    case tcg
}

/// What the configuration says about the accelerator.
package enum AcceleratorPolicy: String, Sendable, CaseIterable {
    /// KVM where it works, else emulation.
    case auto
    /// KVM or nothing.
    case kvm
    /// Emulation even where KVM works.
    case tcg
}

/// An accelerator and how it came to be chosen.
package struct AcceleratorChoice: Sendable, Equatable {
    package let accelerator: Accelerator
    /// Why KVM is not used although the policy would have had it; nil when there is nothing to warn about.
    package let fallbackReason: String?

    package init(_ accelerator: Accelerator, fallbackReason: String? = nil) {
        self.accelerator = accelerator
        self.fallbackReason = fallbackReason
    }

    /// Why the processor does not keep the guest apart; nil when it does.
    package var emulationReason: String? {
        switch accelerator {
        case .kvm: nil
        case .tcg: fallbackReason ?? "the configuration asks for the accelerator \"\(accelerator.rawValue)\""
        }
    }
}
