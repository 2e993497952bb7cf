// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

/// How interfaces of networks get into a machine: the values of `interfaces` in a configuration file of the kind
/// `hypervisor`.
enum Joint: String, Sendable, CaseIterable, CustomTestStringConvertible {
    case tap, macvtap

    var testDescription: String { rawValue }

    func configure(_ fixture: PodFixture) throws {
        try fixture.configure("hypervisor", #""interfaces":"\#(rawValue)""#)
    }
}

/// What carries questions and answers.
enum Transport: String, Sendable, CaseIterable {
    case tcp, udp
}
