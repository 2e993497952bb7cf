// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import Networking

/// Rules on the options of a start.
package enum RunRules {
    /// What holds for every pod; looked at before images are.
    ///
    /// - Parameter appCount: nil when it is not known yet.
    package static func check(_ options: RunOptions, appCount: Int?) throws {
        _ = try NetworkSelection(parsing: options.networks)
        if options.registersWithMetadata {
            guard try NetworkSelection(parsing: options.networks) != .none else {
                throw RuntimeError(
                    .invalidArgument, "--mds-register excludes --net=none: the pod would not reach the metadata service"
                )
            }
        }
        switch options.ipc {
        case nil, "auto", "private": break
        case "parent":
            throw RuntimeError(
                .unsupported, "--ipc=parent is not supported: pods have an IPC namespace of their own kernel")
        case let other?: throw RuntimeError(.invalidArgument, "--ipc=\(other) is none of auto, private and parent")
        }
        if let hostname = options.hostname, !hostname.isEmpty { try check(hostname: hostname) }
        _ = try NameFiles(options.names)
        if options.isInteractive, let appCount, appCount != 1 {
            throw RuntimeError(.invalidArgument, "interactive option only supports pods with one app")
        }
    }

    /// What depends on the pod.
    package static func check(_ options: RunOptions, _ manifest: PodManifest) throws {
        try check(options, appCount: manifest.apps.count)
        try AppStream.check(manifest, isInteractive: options.isInteractive)
    }

    /// hostname(7), and underscores, which some hosts have in their names.
    private static func check(hostname: String) throws {
        let labels = hostname.split(separator: ".", omittingEmptySubsequences: false)
        let isName = labels.allSatisfy { label in
            !label.isEmpty && label.first != "-" && label.last != "-"
                && label.utf8.allSatisfy { byte in
                    switch byte {
                    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
                        true
                    default: false
                    }
                }
        }
        guard isName, hostname.utf8.count <= 64 else {
            throw RuntimeError(
                .invalidArgument,
                "--hostname=\(hostname) is not a host name: at most 64 letters, digits, dashes and dots")
        }
    }
}
