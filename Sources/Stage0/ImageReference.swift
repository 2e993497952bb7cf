// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import LinuxPlatform
import SystemPackage

/// What an image argument means.
package enum ImageReference: Sendable, Equatable {
    /// An image ID, possibly abbreviated.
    case hash(String)
    case file(FilePath)
    /// `http`, `https` or `docker`.
    case url(String)
    case name(String)

    /// Reads an argument as, in this order: hash, path of a file that exists or looks like one, URL, image name.
    package init(interpreting argument: String) throws {
        guard !argument.isEmpty else { throw RuntimeError(.invalidArgument, "an image argument is empty") }
        if argument.hasPrefix("sha512-") {
            self = .hash(argument)
        } else if let scheme = ImageReference.scheme(of: argument) {
            switch scheme {
            case "file": self = .file(FilePath(String(argument.dropFirst("file://".count))))
            case "http", "https", "docker": self = .url(argument)
            default:
                throw RuntimeError(
                    .invalidArgument,
                    "image \"\(argument)\" has the URL scheme \"\(scheme)\"; use http, https, file or docker")
            }
        } else if ImageReference.looksLikePath(argument) || FileSystem.exists(FilePath(argument)) {
            self = .file(FilePath(argument))
        } else {
            self = .name(argument)
        }
    }

    private static func scheme(of argument: String) -> String? {
        guard let colon = argument.firstIndex(of: ":"), argument[colon...].hasPrefix("://"), colon > argument.startIndex
        else { return nil }
        return argument[..<colon].lowercased()
    }

    private static func looksLikePath(_ argument: String) -> Bool {
        argument.hasPrefix("/") || argument.hasPrefix("./") || argument.hasPrefix("../") || argument.hasSuffix(".aci")
    }
}
