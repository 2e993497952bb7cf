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
    /// An archive on a web server: `http` or `https`.
    case url(String)
    /// What follows `docker://`: `[HOST[:PORT]/]NAME[:TAG|@DIGEST]`.
    case docker(String)
    /// A directory or archive with an OCI image layout, and which of its images is meant.
    case layout(FilePath, reference: String?)
    case name(String)

    /// Reads an argument as, in this order: hash, URL, OCI layout, path of a file that exists or looks like one, image
    /// name.
    package init(interpreting argument: String) throws {
        guard !argument.isEmpty else { throw RuntimeError(.invalidArgument, "an image argument is empty") }
        if argument.hasPrefix("sha512-") {
            self = .hash(argument)
        } else if let scheme = ImageReference.scheme(of: argument) {
            let rest = String(argument.dropFirst(scheme.utf8.count + "://".utf8.count))
            switch scheme {
            case "file": self = .file(FilePath(try ImageReference.notEmpty(rest, in: argument)))
            case "http", "https": self = .url(try ImageReference.url(argument))
            case "docker":
                // `docker:///redis` is from the registry that is used when none is named.
                let name = String(rest.drop { $0 == "/" })
                self = .docker(try ImageReference.notEmpty(name, in: argument))
            default:
                throw RuntimeError(
                    .invalidArgument,
                    "image \"\(argument)\" has the URL scheme \"\(scheme)\"; use http, https, file or docker")
            }
        } else if argument.lowercased().hasPrefix("file:/") {
            // RFC 8089 has a form without a host.
            self = .file(FilePath(String(argument.dropFirst("file:".utf8.count))))
        } else if argument.hasPrefix("oci:") {
            self = try ImageReference.layout(argument)
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

    /// Keeps out what would change the meaning of a request's first lines.
    private static func url(_ argument: String) throws -> String {
        guard argument.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }), WebAddress(argument) != nil else {
            throw RuntimeError(
                .invalidArgument, "\(ScalarError.quoted(argument)) is not a URL: it needs a host, and no blanks in it")
        }
        return argument
    }

    /// `oci:PATH[:REFERENCE]`. A path that exists may hold a colon.
    private static func layout(_ argument: String) throws -> ImageReference {
        let rest = try notEmpty(String(argument.dropFirst("oci:".utf8.count)), in: argument)
        guard !FileSystem.exists(FilePath(rest)), let colon = rest.lastIndex(of: ":"),
            !rest[colon...].contains("/"), colon > rest.startIndex
        else { return .layout(FilePath(rest), reference: nil) }
        let reference = String(rest[rest.index(after: colon)...])
        return .layout(FilePath(String(rest[..<colon])), reference: reference.isEmpty ? nil : reference)
    }

    private static func notEmpty(_ text: String, in argument: String) throws -> String {
        guard !text.isEmpty else {
            throw RuntimeError(.invalidArgument, "\"\(argument)\" names no image after its scheme")
        }
        return text
    }
}
