// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// The release of this program, as labels of stage1 images and `rkt version` show it.
package enum Version {
    /// Semantic version; `stage1/` reads this line too.
    package static let current = "0.1.0"
    /// Version of the App Container specification that manifests are written for.
    package static let appContainer = "0.8.11"
}
