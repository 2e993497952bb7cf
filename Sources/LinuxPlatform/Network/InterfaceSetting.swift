// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import SystemPackage

/// Settings of the kernel that each network interface has (the kernel's networking/ip-sysctl documentation).
package enum InterfaceSetting: String, Sendable {
    /// Whether IPv6 is off.
    case disableIPv6 = "ipv6/conf/*/disable_ipv6"
    /// Whether routers' advertisements are listened to.
    case acceptRouterAdvertisements = "ipv6/conf/*/accept_ra"
    /// Whether others are asked if they have an address.
    case detectDuplicates = "ipv6/conf/*/accept_dad"
    /// Whether packets from 127.0.0.0/8 may pass.
    case routesLoopback = "ipv4/conf/*/route_localnet"

    /// Sets it for an interface of the calling thread's network namespace. Where the kernel lacks the protocol there is
    /// nothing to set.
    package func set(_ isOn: Bool, of interface: String) throws {
        let path = path(of: interface)
        guard FileSystem.exists(path) else { return }
        do {
            let file = try FileDescriptor.open(path, .writeOnly, options: [.closeOnExec])
            defer { try? file.close() }
            try FileSystem.writeAll(Array(isOn ? "1\n".utf8 : "0\n".utf8), to: file, path)
        } catch let errno as Errno {
            throw RuntimeError.systemCall("open", path, errno)
        }
    }

    /// Whether it is set; where `set` does nothing it is not.
    package func isSet(of interface: String) throws -> Bool {
        let path = path(of: interface)
        return try FileSystem.exists(path) && FileSystem.readText(path, limit: 64).first != "0"
    }

    private func path(of interface: String) -> FilePath {
        let names = rawValue.split(separator: "/").map { $0 == "*" ? interface : String($0) }
        return names.reduce(FilePath("/proc/sys/net")) { $0.appending($1) }
    }
}
