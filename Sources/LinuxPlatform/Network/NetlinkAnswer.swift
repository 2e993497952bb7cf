// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import Diagnostics
import SystemPackage

/// One message of the kernel.
struct NetlinkAnswer {
    let type: UInt16
    let flags: UInt16
    let sequence: UInt32
    /// What follows the header.
    let payload: ArraySlice<UInt8>

    /// Cuts a datagram into messages; what is cut off at its end is left out.
    static func parse(_ datagram: [UInt8]) -> [NetlinkAnswer] {
        var answers: [NetlinkAnswer] = []
        var rest = datagram[...]
        while let length = NetlinkBytes.read(UInt32.self, rest), length >= NetlinkRequest.headerLength,
            Int(length) <= rest.count, let type = NetlinkBytes.read(UInt16.self, rest, at: 4),
            let flags = NetlinkBytes.read(UInt16.self, rest, at: 6),
            let sequence = NetlinkBytes.read(UInt32.self, rest, at: 8)
        {
            let message = rest.prefix(Int(length))
            answers.append(
                NetlinkAnswer(
                    type: type, flags: flags, sequence: sequence,
                    payload: message.dropFirst(NetlinkRequest.headerLength)))
            rest = rest.dropFirst((Int(length) + 3) & ~3)
        }
        return answers
    }

    /// How an exchange ended; nil when this message does not end it.
    var failure: Failure? {
        // NLMSG_ERROR, which also acknowledges, and NLMSG_DONE.
        guard type == 2 || type == 3 else { return nil }
        let number = NetlinkBytes.read(Int32.self, payload) ?? 0
        return Failure(errno: number < 0 ? Errno(rawValue: -number) : nil, text: explanation)
    }

    /// The kernel's own words (NETLINK_EXT_ACK, Linux 4.12).
    private var explanation: String? {
        // NLM_F_ACK_TLVS; with NLM_F_CAPPED the request's header stands before them, else the whole request does.
        guard flags & 0x200 != 0 else { return nil }
        var skipped = 4
        if type == 2 {
            let length = NetlinkBytes.read(UInt32.self, payload, at: 4).map { Int($0) } ?? 0
            skipped += flags & 0x100 != 0 ? NetlinkRequest.headerLength : (length + 3) & ~3
        }
        // NLMSGERR_ATTR_MSG
        return NetlinkAttributes(payload.dropFirst(skipped)).text(1)
    }

    struct Failure {
        /// Nil for success.
        let errno: Errno?
        let text: String?

        func error(_ what: String) -> RuntimeError? {
            guard let errno else { return nil }
            let code: RuntimeError.Code =
                switch errno.rawValue {
                case ENODEV, ESRCH, EADDRNOTAVAIL: .notFound
                default: RuntimeError.systemCall("netlink", nil, errno).code
                }
            return RuntimeError(code, "\(what): \(errno.text)" + (text.map { " (\($0))" } ?? ""))
        }
    }
}
