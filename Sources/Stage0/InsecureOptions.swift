// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics

/// The security features that `--insecure-options` turns off.
package struct InsecureOptions: OptionSet, Sendable {
    package let rawValue: UInt16
    package init(rawValue: UInt16) { self.rawValue = rawValue }

    /// Images need no signature.
    package static let image = InsecureOptions(rawValue: 1 << 0)
    /// Any certificate and host name will do.
    package static let tls = InsecureOptions(rawValue: 1 << 1)
    /// Stored images are not verified before use.
    package static let onDisk = InsecureOptions(rawValue: 1 << 2)
    /// Discovery and downloads may use plain HTTP.
    package static let http = InsecureOptions(rawValue: 1 << 3)
    /// Keys may be fetched by plain HTTP.
    package static let publicKey = InsecureOptions(rawValue: 1 << 4)
    /// Apps keep all capabilities.
    package static let capabilities = InsecureOptions(rawValue: 1 << 5)
    /// Sensitive paths such as `/proc/sysrq-trigger` stay accessible.
    package static let paths = InsecureOptions(rawValue: 1 << 6)
    /// Apps run without a system call filter.
    package static let seccomp = InsecureOptions(rawValue: 1 << 7)

    package static let allFetch: InsecureOptions = [.image, .tls, .http]
    package static let allRun: InsecureOptions = [.capabilities, .paths, .seccomp]
    package static let all: InsecureOptions = [.allFetch, .allRun, .onDisk, .publicKey]

    /// The words of `--insecure-options`, in the order help shows them.
    package static let words: [(word: String, option: InsecureOptions)] = [
        ("none", []), ("image", .image), ("tls", .tls), ("ondisk", .onDisk), ("http", .http), ("pubkey", .publicKey),
        ("capabilities", .capabilities), ("paths", .paths), ("seccomp", .seccomp), ("all-fetch", .allFetch),
        ("all-run", .allRun), ("all", .all),
    ]

    /// Reads a comma-separated list of words.
    ///
    /// - Throws: `unknown option "…"`.
    package init(parsing list: String) throws {
        self = []
        for word in list.split(separator: ",", omittingEmptySubsequences: false) {
            guard let match = InsecureOptions.words.first(where: { $0.word == word }) else {
                throw RuntimeError(.invalidArgument, "unknown option \"\(word)\"")
            }
            formUnion(match.option)
        }
    }
}
