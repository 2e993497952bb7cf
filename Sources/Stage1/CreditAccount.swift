// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import GuestProtocol

/// What one side may still send on a channel, seen from the side that counts.
struct CreditAccount {
    private let limit: Int
    /// Bytes that have been sent and not been given back.
    private(set) var unreturned = 0

    init(limit: Int) { self.limit = limit }

    /// Bytes that may be sent now.
    var rest: Int { max(0, limit - unreturned) }

    /// Counts a frame that a peer has sent. It may have begun with the last of the credit, and ends the credit then.
    mutating func take(_ bytes: Int) throws(ProtocolError) {
        // A frame that costs nothing could be sent without end.
        guard bytes > 0 else { throw .malformed("a frame without bytes") }
        guard unreturned < limit else { throw .unexpected("more bytes than there is credit for") }
        unreturned += bytes
    }

    /// Counts credit that comes back; there is never more of it than has been used.
    mutating func giveBack(_ bytes: Int) throws(ProtocolError) {
        guard bytes > 0, bytes <= unreturned else { throw .unexpected("credit for bytes that were not sent") }
        unreturned -= bytes
    }
}
