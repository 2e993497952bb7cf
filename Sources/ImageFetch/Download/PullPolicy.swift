// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// When an image is looked for elsewhere than in the store.
package enum PullPolicy: String, CaseIterable, Sendable {
    /// When the store does not have it.
    case new
    /// Always.
    case update
    case never
}
