// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import LinuxPlatform
import SystemPackage

/// How an interface of a pod's network namespace gets into the pod's machine.
///
/// The interface's addresses are taken off it, as two stacks must not answer for one address. They have to be put back
/// before the network's plugin is asked to remove the interface: it looks at them to see what else to undo.
package enum InterfaceJoint: Sendable, Equatable {
    /// Frames are passed on between the interface and a tap, in both directions.
    case tap(interface: String, guarding: SourceGuard)
    /// The machine takes all frames of the interface, with less work for each. A guard needs a kernel with BPF filters.
    case macvtap(interface: String, guarding: SourceGuard)
    /// There is no interface yet: the machine gets one of its own on an interface of the host.
    case network(MacvtapNetwork)

    /// Joins the interface. When it fails, everything is as before.
    ///
    /// - Parameters:
    ///   - namespace: the pod's network namespace.
    ///   - record: writes down what `undo` takes, before anything of the interface is changed.
    package func make(
        in namespace: FileDescriptor, recording record: (GuestInterface) throws -> Void = { _ in }
    ) throws -> JoinedInterface {
        switch self {
        case .tap(let interface, let guarding):
            try NetworkNamespace.enter(namespace) {
                try TapJoint(interface: interface, guarding: guarding, socket: RouteSocket()).make(record)
            }
        case .macvtap(let interface, let guarding):
            try NetworkNamespace.enter(namespace) {
                try MacvtapJoint(interface: interface, guarding: guarding, socket: RouteSocket()).make(record)
            }
        case .network(let network):
            try network.make(in: namespace, record)
        }
    }

    /// Gives an interface that was joined its addresses and routes back and takes away what passes its frames on. Safe to
    /// repeat, also when the interface is gone.
    ///
    /// - Parameter guest: what joining it has returned.
    package static func undo(_ guest: GuestInterface, in namespace: FileDescriptor) throws {
        try NetworkNamespace.enter(namespace) {
            let socket = try RouteSocket()
            let links = try socket.links()
            guard let link = links.first(where: { $0.name == guest.name }) else { return }
            // Made for the machine, with which it goes.
            if link.kind == "macvtap" { return try socket.remove(link) }
            for tap in links where tap.kind == "macvtap" && tap.lower == link.index { try socket.remove(tap) }
            try socket.removeFilters(from: link)
            try Handover(link: link, guest: guest, socket: socket).undo()
        }
    }
}

/// An interface for a machine on an interface of the host: what a `macvlan` network is to pods without a machine.
package struct MacvtapNetwork: Sendable, Equatable {
    /// What it is called in the guest, and in the pod's namespace.
    package var name: String
    /// An interface of the calling process's network namespace.
    package var master: String
    package var mode: MacvlanMode
    package var guarding: SourceGuard
    /// Nil for that of the master.
    package var mtu: UInt32?
    package var addresses: [InterfaceAddress]
    /// Those to the networks of the addresses need not be among them.
    package var routes: [NetworkRoute]

    package init(
        name: String, master: String, mode: MacvlanMode, guarding: SourceGuard, mtu: UInt32? = nil,
        addresses: [InterfaceAddress],
        routes: [NetworkRoute]
    ) {
        self.name = name
        self.master = master
        self.mode = mode
        self.guarding = guarding
        self.mtu = mtu
        self.addresses = addresses
        self.routes = routes
    }
}
