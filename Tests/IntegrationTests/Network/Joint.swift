// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

/// How interfaces of networks get into a machine: the values of `interfaces` in a configuration file of the kind
/// `hypervisor`.
enum Joint: String, Sendable, CaseIterable, CustomTestStringConvertible {
    case tap, macvtap
    /// Nothing: the pod is in the namespace, and has the plugin's interface itself.
    case namespace

    static var allCases: [Joint] { TestedStage1.has(.hostKernel) ? [.namespace] : [.tap, .macvtap] }

    /// The one that pods have when nothing is configured.
    static var standard: Joint { allCases[0] }

    var testDescription: String { rawValue }

    func configure(_ fixture: PodFixture) throws {
        guard self != .namespace else { return }
        try fixture.configure("hypervisor", #""interfaces":"\#(rawValue)""#)
    }
}

/// What carries questions and answers.
enum Transport: String, Sendable, CaseIterable {
    case tcp, udp
}
