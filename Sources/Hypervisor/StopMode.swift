// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// How a machine is ended.
package enum StopMode: Sendable, Equatable {
    /// The steps in turn, each until the machine has ended or the step's time is up; then `.force`.
    case orderly([TeardownStep])
    /// At once, without asking the guest.
    case force
}

/// One rung of the ladder that ends a machine.
package struct TeardownStep: Sendable, Equatable {
    package enum Action: Sendable, Equatable {
        /// The guest sees its power button pressed.
        case powerButton
        /// The machine's main process gets SIGTERM: the machine ends without the guest's doing.
        case terminate
    }

    package let action: Action
    /// How long to wait for the machine to end after the action.
    package let patience: Duration

    package init(_ action: Action, patience: Duration) {
        self.action = action
        self.patience = patience
    }

    /// The patience in milliseconds.
    package var milliseconds: Int {
        let (seconds, attoseconds) = patience.components
        return Int(clamping: seconds) * 1000 + Int(attoseconds / 1_000_000_000_000_000)
    }
}
