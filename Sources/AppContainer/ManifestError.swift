// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// Why a text is not a manifest.
package enum ManifestError: Error, Sendable, Equatable, CustomStringConvertible {
    /// It is not JSON.
    case syntax(JSONSyntaxError)
    /// A field breaks a rule. The path is as in `app.mountPoints[1].name`, empty for the document itself.
    case field(String, reason: String)

    package var description: String {
        switch self {
        case .syntax(let error): "malformed JSON: \(error)"
        case .field("", let reason): reason
        case .field(let path, let reason): "\(path): \(reason)"
        }
    }
}
