// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

extension HTTPResponse {
    /// What identifies the bytes of this answer, for `Download.validator`: a strong entity tag, or else a date of
    /// modification that is not that of the answer (RFC 9110, 8.8.2.2). Nil if the server has given neither.
    package var validator: String? {
        if let tag = self["ETag"] { return tag.isStrongValidator ? tag : nil }
        guard let modified = self["Last-Modified"], let date = self["Date"], modified != date else { return nil }
        return modified.isStrongValidator ? modified : nil
    }
}

extension String {
    /// Whether `If-Range` may have this value: no weak entity tag, and nothing that breaks a header.
    package var isStrongValidator: Bool {
        !isEmpty && utf8.count <= 1024 && !hasPrefix("W/") && utf8.allSatisfy { (32...126).contains($0) }
    }
}
