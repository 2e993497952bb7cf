// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials

/// What `Authorization: Basic` has.
enum Base64 {
    static func encode(_ text: String) -> String { Data(text.utf8).base64EncodedString() }
}
