// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import LinuxPlatform
import SystemPackage
import Testing

/// Network namespaces of a test's own. They and all that is in them go when the value goes, however the test ends.
package final class NetworkLab {
    /// Where the pod's interfaces are.
    package let pod: FileDescriptor
    /// What the pod's network leads to.
    package let far: FileDescriptor

    package init() throws {
        pod = try NetworkNamespace.make()
        far = try NetworkNamespace.make()
        for namespace in [pod, far] { try ip(namespace, "link set lo up") }
    }

    deinit {
        try? pod.close()
        try? far.close()
    }

    /// Runs ip(8) in a namespace.
    ///
    /// - Parameter arguments: separated by blanks.
    @discardableResult
    package func ip(_ namespace: FileDescriptor, _ arguments: String) throws -> String {
        try run(namespace, "ip", arguments)
    }

    /// Runs a program of the host in a namespace.
    @discardableResult
    package func run(_ namespace: FileDescriptor, _ program: String, _ arguments: String) throws -> String {
        let words = arguments.split(separator: " ").map(String.init)
        let output = try NetworkNamespace.enter(namespace) { try Program.output(program, words) }
        return String(decoding: output, as: UTF8.self)
    }

    /// Lays a cable between an interface of the pod and one of the far side; both are up.
    package func connect(_ name: String, to farName: String, hardwareAddress: String, mtu: Int = 1500) throws {
        let farPath = "/proc/\(getpid())/fd/\(far.rawValue)"
        try ip(
            pod,
            "link add \(name) address \(hardwareAddress) mtu \(mtu) type veth peer name \(farName) mtu \(mtu) "
                + "netns \(farPath)")
        // Nobody asks whether an address is taken, so that it can be used at once.
        for (namespace, interface) in [(pod, name), (far, farName)] {
            try NetworkNamespace.enter(namespace) { try InterfaceSetting.detectDuplicates.set(false, of: interface) }
            try ip(namespace, "link set \(interface) up")
        }
    }

    /// The lines of `ip -o addr` or the like, by which a test compares what is there before and after.
    package func state(_ namespace: FileDescriptor) throws -> [String] {
        try ["-o link", "-o addr", "-4 route", "-6 route", "-d -o link show type macvtap"].flatMap { arguments in
            try ip(namespace, arguments).split(separator: "\n").map(String.init)
        }
    }
}

extension Trait where Self == ConditionTrait {
    /// Root makes network namespaces, and ip(8) fills them.
    package static var requiresNetworkNamespaces: Self {
        Requirement.trait("needs root and the Debian package iproute2") {
            Program.path(of: "ip") != nil && (try? NetworkNamespace.make().close()) != nil
        }
    }
}
