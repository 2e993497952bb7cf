// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics

/// Attributes of `linux/rtnetlink.h`, `linux/pkt_cls.h` and `linux/tc_act/tc_mirred.h`.
private enum FilterAttribute {
    /// Corresponds to `TCA_KIND`.
    static let kind: UInt16 = 1
    /// Corresponds to `TCA_OPTIONS`.
    static let options: UInt16 = 2
    /// Corresponds to `TCA_U32_SEL`.
    static let selector: UInt16 = 5
    /// Corresponds to `TCA_U32_ACT`.
    static let actions: UInt16 = 7
    /// Corresponds to `TCA_ACT_KIND`.
    static let actionKind: UInt16 = 1
    /// Corresponds to `TCA_ACT_OPTIONS`.
    static let actionOptions: UInt16 = 2
    /// Corresponds to `TCA_MIRRED_PARMS`.
    static let mirred: UInt16 = 2
    /// Corresponds to `TCA_BPF_FD`.
    static let program: UInt16 = 6
    /// Corresponds to `TCA_BPF_NAME`.
    static let programName: UInt16 = 7
    /// Corresponds to `TCA_BPF_FLAGS`.
    static let programFlags: UInt16 = 8
}

extension RouteSocket {
    // RTM_NEWQDISC, RTM_DELQDISC, RTM_NEWTFILTER
    private static let newQueue: UInt16 = 36
    private static let deleteQueue: UInt16 = 37
    private static let newFilter: UInt16 = 44
    /// Corresponds to `TC_H_INGRESS`.
    private static let ingress: UInt32 = 0xffff_fff1
    private static let ingressHandle: UInt32 = 0xffff_0000
    /// Corresponds to `TC_H_CLSACT` with `TC_H_MIN_EGRESS`.
    private static let egress: UInt32 = 0xffff_fff3
    /// As many as `u32` takes in one filter.
    private static let mostMatches = 128

    /// Has an interface ask the filters, in their order, about each frame that it receives. It must have none.
    package func setFilters(_ filters: [TrafficFilter], on link: NetworkLink) throws {
        try addQueue("ingress", to: link)
        do {
            for (number, filter) in filters.enumerated() { try add(filter, priority: UInt32(number) + 1, link) }
        } catch {
            try? removeFilters(from: link)
            throw error
        }
    }

    /// Has an interface drop what it is to send and no gate lets pass, the first that a frame comes to (tc-bpf(8)). It
    /// must have no filters.
    package func setGates(_ gates: [FrameGate], on link: NetworkLink) throws {
        let program = try FilterProgram(gates).load()
        defer { try? program.close() }
        try addQueue("clsact", to: link)
        do {
            // NLM_F_CREATE, NLM_F_EXCL; the first priority, for frames of all protocols.
            var request = NetlinkRequest.traffic(
                Self.newFilter, flags: 0x400 | 0x200, link.index, parent: Self.egress,
                information: 1 << 16 | UInt32(TrafficFilter.Content.any.rawValue.bigEndian))
            request.add(FilterAttribute.kind, "bpf")
            request.add(FilterAttribute.options) { options in
                options.add(FilterAttribute.program, program.rawValue)
                options.add(FilterAttribute.programName, "rkt-gates")
                // TCA_BPF_FLAG_ACT_DIRECT: what the program returns is what happens.
                options.add(FilterAttribute.programFlags, UInt32(1))
            }
            try change("filtering what \(link.name) sends", request)
        } catch {
            try? removeFilters(from: link)
            throw error
        }
    }

    private func addQueue(_ kind: String, to link: NetworkLink) throws {
        // NLM_F_CREATE, NLM_F_EXCL
        var queue = NetlinkRequest.traffic(
            Self.newQueue, flags: 0x400 | 0x200, link.index, handle: Self.ingressHandle, parent: Self.ingress)
        queue.add(FilterAttribute.kind, kind)
        try change("adding filters to \(link.name)", queue)
    }

    /// Removes all filters of an interface; one that has none is fine.
    package func removeFilters(from link: NetworkLink) throws {
        let queue = NetlinkRequest.traffic(
            Self.deleteQueue, link.index, handle: Self.ingressHandle, parent: Self.ingress)
        do {
            try change("removing the filters of \(link.name)", queue)
        } catch let error as RuntimeError where error.code == .notFound || error.code == .invalidArgument {
            // The kernel calls a handle invalid that nothing has.
            return
        }
    }

    private func add(_ filter: TrafficFilter, priority: UInt32, _ link: NetworkLink) throws {
        // NLM_F_CREATE, NLM_F_EXCL; the priority stands before the protocol, which is in network order.
        var request = NetlinkRequest.traffic(
            Self.newFilter, flags: 0x400 | 0x200, link.index, parent: Self.ingressHandle,
            information: priority << 16 | UInt32(filter.content.rawValue.bigEndian))
        request.add(FilterAttribute.kind, "u32")
        request.add(FilterAttribute.options) { options in
            // A filter without any match needs one that always holds.
            let matches = filter.matches.isEmpty ? [.init(at: 0, 0, mask: 0)] : filter.matches
            options.add(FilterAttribute.selector, Self.selector(Array(matches.prefix(Self.mostMatches))))
            let parameters: [UInt8]
            switch filter.action {
            case .redirect(let target): parameters = Self.mirred(target, keepsFrame: false)
            case .copy(let target): parameters = Self.mirred(target, keepsFrame: true)
            case .keep: return
            }
            options.add(FilterAttribute.actions) { actions in
                actions.add(1) { action in
                    action.add(FilterAttribute.actionKind, "mirred")
                    action.add(FilterAttribute.actionOptions) { $0.add(FilterAttribute.mirred, parameters) }
                }
            }
        }
        try change("adding a filter to \(link.name)", request)
    }

    /// `struct tc_u32_sel` and its keys.
    private static func selector(_ matches: [TrafficFilter.Match]) -> [UInt8] {
        var bytes = NetlinkBytes()
        // TC_U32_TERMINAL: what matches here is asked of no other filter.
        for field in [1, 0, UInt8(matches.count), 0] { bytes.append(field) }
        // Nothing depends on the length of headers.
        for _ in 0..<3 { bytes.append(UInt32(0)) }
        for match in matches {
            bytes.append(match.mask.bigEndian)
            bytes.append(match.value.bigEndian)
            bytes.append(match.offset)
            bytes.append(Int32(0))
        }
        return bytes.bytes
    }

    /// `struct tc_mirred`.
    private static func mirred(_ target: NetworkLink, keepsFrame: Bool) -> [UInt8] {
        var bytes = NetlinkBytes()
        bytes.append(UInt32(0))
        bytes.append(UInt32(0))
        // TC_ACT_OK or TC_ACT_STOLEN
        bytes.append(Int32(keepsFrame ? 0 : 4))
        bytes.append(Int32(0))
        bytes.append(Int32(0))
        // TCA_EGRESS_MIRROR or TCA_EGRESS_REDIR
        bytes.append(Int32(keepsFrame ? 2 : 1))
        bytes.append(target.index)
        return bytes.bytes
    }
}

extension NetlinkRequest {
    /// A message that begins with `struct tcmsg`.
    fileprivate static func traffic(
        _ type: UInt16, flags: UInt16 = 0, _ index: Int32, handle: UInt32 = 0, parent: UInt32, information: UInt32 = 0
    ) -> NetlinkRequest {
        var fixed = NetlinkBytes()
        fixed.append(UInt32(0))
        fixed.append(index)
        fixed.append(handle)
        fixed.append(parent)
        fixed.append(information)
        return NetlinkRequest(type, flags: flags, fixed: fixed)
    }
}
