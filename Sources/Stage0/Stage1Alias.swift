// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// Names that stage1 images have had.
package enum Stage1Alias {
    private static let names = ["coreos.com/rkt/stage1-coreos": "coreos.com/rkt/stage1-nspawn"]

    /// The name that stands for a name today; a version and labels behind it stay.
    package static func resolve(_ text: String) -> String {
        let end = text.firstIndex { $0 == ":" || $0 == "," } ?? text.endIndex
        guard let name = names[String(text[..<end])] else { return text }
        return name + text[end...]
    }
}
