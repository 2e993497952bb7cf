// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// One thing of a host that rkt needs or can use.
package struct HostCheck: Sendable, Equatable {
    /// What became of it.
    package enum State: String, Sendable, CaseIterable {
        case ok
        /// It works, and something that it could do does not.
        case limited
        /// It is not there.
        case missing
        /// It is there and cannot be used.
        case failed
    }

    /// A short name that stays the same.
    package let name: String
    package let state: State
    /// Whether no pod runs without it.
    package let isRequired: Bool
    /// What was found. What is wrong comes with the remedy.
    package let details: [String]

    package init(_ name: String, _ state: State, isRequired: Bool = false, _ details: String...) {
        self.init(name, state, isRequired: isRequired, details)
    }

    package init(_ name: String, _ state: State, isRequired: Bool = false, _ details: [String]) {
        self.name = name
        self.state = state
        self.isRequired = isRequired
        self.details = details
    }

    /// Whether it keeps all pods from being run.
    package var isObstacle: Bool { isRequired && (state == .missing || state == .failed) }
}
