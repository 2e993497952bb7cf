// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTransport

/// Why an attempt has come to nothing.
struct TransferFailure: Error {
    let failure: DownloadFailure
    /// Whether another attempt may fare better.
    let isTransient: Bool

    init(_ kind: DownloadFailure.Kind, _ reason: String, isTransient: Bool = false) {
        failure = DownloadFailure(kind, reason)
        self.isTransient = isTransient
    }

    static let cancelled = TransferFailure(.cancelled, "nobody wants the answer")
}
