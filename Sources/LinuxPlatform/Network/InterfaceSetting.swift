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

    /// Sets it for an interface of the calling thread's network namespace. Where the kernel lacks the protocol there is
    /// nothing to set.
    package func set(_ isOn: Bool, of interface: String) throws {
        let name = rawValue.split(separator: "/").map { $0 == "*" ? interface : String($0) }
        let path = name.reduce(FilePath("/proc/sys/net")) { $0.appending($1) }
        guard FileSystem.exists(path) else { return }
        do {
            let file = try FileDescriptor.open(path, .writeOnly, options: [.closeOnExec])
            defer { try? file.close() }
            try FileSystem.writeAll(Array(isOn ? "1\n".utf8 : "0\n".utf8), to: file, path)
        } catch let errno as Errno {
            throw RuntimeError.systemCall("open", path, errno)
        }
    }
}
