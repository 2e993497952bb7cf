// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer

/// One kind of configuration: what files with its `rktKind` say, of one directory or of several merged.
package protocol ConfigurationKind: Sendable {
    /// The value of `rktKind`.
    static var name: String { get }
    /// The directory that its files stand in, such as `auth.d`.
    static var directory: String { get }

    /// Nothing is configured.
    init()

    /// Takes in another file of the same directory. What an earlier one of them says already is an error.
    mutating func add(_ document: ConfigurationDocument) throws

    /// Takes over what a later directory says in place of this one.
    mutating func override(with later: Self)

    /// Files that say the same, one for each part that can be overridden, without `rktKind` and `rktVersion`.
    var entries: [JSONObject] { get }
}
