// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import SignatureTrust
import Stage0

/// The keys of a file as the person sees them who is to trust them.
struct KeyReviewText {
    private let review: KeyReview

    init(_ review: KeyReview) {
        self.review = review
    }

    /// What the keys are trusted for, as the end of a sentence.
    var purpose: String { "for prefix \"\(prefix)\"" }

    private var prefix: String {
        if case .prefix(let prefix) = review.scope { prefix.string } else { "" }
    }

    var lines: [String] {
        var lines = ["Prefix: \"\(prefix)\"", "Key: \"\(review.location)\""]
        for key in review.keys {
            lines.append("GPG key fingerprint is: \(key.fingerprint.spaced)")
            // Subkeys that only encrypt say nothing about images.
            for subkey in key.subkeys where subkey.canSign {
                let flaw = subkey.flaw.map { " (\($0))" } ?? ""
                lines.append("    Subkey fingerprint: \(subkey.fingerprint.spaced)\(flaw)")
            }
            lines += key.userIDs.map { "    \($0)" }
        }
        for key in review.rejected {
            lines.append("Left out: key \(key.fingerprint.spaced) \(key.flaw ?? "cannot be used")")
        }
        return lines
    }

    /// `root key` or `key for prefix "…"`
    static func kind(_ scope: KeyScope) -> String {
        switch scope {
        case .root: "root key"
        case .prefix(let prefix): "key for prefix \"\(prefix)\""
        }
    }
}
