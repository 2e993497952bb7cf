// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import LinuxPlatform
import SystemPackage

/// Addresses that host-local has given away: files named after the address, whose first line is the pod's UUID.
enum LeftoverLeases {
    /// More than any address range that is worth a look.
    private static let countLimit = 1 << 20

    /// Removes a pod's leases of one network.
    ///
    /// - Parameter directory: that of the network.
    /// - Returns: the addresses.
    static func remove(of uuid: PodUUID, in directory: FilePath) throws -> [IPAddress] {
        let names: [String]
        do {
            names = try FileSystem.list(directory)
        } catch let error as RuntimeError where error.code == .notFound {
            return []
        }
        var removed: [IPAddress] = []
        for name in names.prefix(countLimit) {
            guard let address = IPAddress(name) else { continue }
            let path = directory.appending(name)
            guard let text = try? FileSystem.readText(path, limit: 4096) else { continue }
            let owner = text.prefix { !$0.isNewline }
            guard owner == uuid.description else { continue }
            try FileSystem.remove(path)
            removed.append(address)
        }
        return removed
    }
}
