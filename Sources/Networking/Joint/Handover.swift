// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import LinuxPlatform
import SystemPackage

/// Takes addresses and routes from an interface of a namespace, for the guest to have them. The calling thread is in the
/// namespace.
struct Handover {
    let link: NetworkLink
    let guest: GuestInterface
    let socket: RouteSocket

    func make() throws {
        for route in guest.routes.reversed() { try socket.remove(route, through: link) }
        for address in guest.addresses { try socket.remove(address, from: link) }
        // Takes the link-local address too, and keeps a new one from being made.
        try InterfaceSetting.disableIPv6.set(true, of: link.name)
    }

    /// Safe to repeat: what is there already is fine.
    func undo() throws {
        try InterfaceSetting.disableIPv6.set(false, of: link.name)
        for address in guest.addresses {
            try unlessThere { try socket.add(address, to: link, [.withoutDetection, .withoutRoute]) }
        }
        for route in guest.routes { try unlessThere { try socket.add(route, through: link) } }
    }

    private func unlessThere(_ body: () throws -> Void) throws {
        do {
            try body()
        } catch let error as RuntimeError where error.code == .exists {
            return
        }
    }
}

extension NetworkLink {
    /// The address that a guest is to have in this interface's place.
    ///
    /// - Throws: code `unsupported` for an interface that no machine can be joined to.
    package func requireHardwareAddress() throws -> HardwareAddress {
        guard kind != "ipvlan" else {
            throw RuntimeError(
                .unsupported,
                "\(name) is an ipvlan, whose driver knows its addresses and would keep a machine's frames; use macvlan")
        }
        guard let hardwareAddress, hardwareAddress.isStation else {
            throw RuntimeError(
                .unsupported, "the network interface \(name) is no Ethernet interface; a machine cannot be joined to it"
            )
        }
        return hardwareAddress
    }
}

/// Runs something, and what undoes it when it fails.
func undoing<Value>(_ body: () throws -> Value, with undo: () throws -> Void) throws -> Value {
    do {
        return try body()
    } catch let primary {
        do { try undo() } catch { throw CleanupError(primary: primary, cleanup: error) }
        throw primary
    }
}
