// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// The networks that exist without any file. A configured network of the same name takes their place.
enum BuiltInNetwork {
    /// A link between pod and host, with a way out through the host.
    private static let standard = """
        {
            "cniVersion": "0.4.0",
            "name": "default",
            "type": "ptp",
            "ipMasq": true,
            "ipam": {
                "type": "host-local",
                "subnet": "172.16.28.0/24",
                "routes": [
                    { "dst": "0.0.0.0/0" }
                ]
            }
        }

        """

    /// The same without a way out.
    private static let restricted = """
        {
            "cniVersion": "0.4.0",
            "name": "default-restricted",
            "type": "ptp",
            "ipMasq": false,
            "ipam": {
                "type": "host-local",
                "subnet": "172.31.0.0/16"
            }
        }

        """

    static func configurations() throws -> [NetworkConfiguration] {
        try [standard, restricted].map { try NetworkConfiguration(parsing: Array($0.utf8), .single, file: nil) }
    }
}
