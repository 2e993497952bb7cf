// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import HTTPTransport
import LinuxPlatform
import SignatureTrust
import SystemPackage

/// Where public keys come from: files, servers, and what the site of an image's name says.
package struct KeySource: Sendable {
    /// Gets keys from servers; nil where there is no network.
    package var transport: (any HTTPTransport)?
    /// Finds the URLs of the keys for an image name; nil where nothing can be found.
    package var discover: (@Sendable (_ name: ACIdentifier, _ allowsPlainHTTP: Bool) throws -> [String])?

    package init(
        transport: (any HTTPTransport)? = nil,
        discover: (@Sendable (_ name: ACIdentifier, _ allowsPlainHTTP: Bool) throws -> [String])? = nil
    ) {
        self.transport = transport
        self.discover = discover
    }

    /// The URLs of the keys that are published for a prefix of image names.
    func locations(for prefix: ACIdentifier, allowsPlainHTTP: Bool) throws -> [String] {
        guard let discover else {
            throw RuntimeError(
                .unsupported,
                "keys for \"\(prefix)\" cannot be discovered, since there is no network; "
                    + "name a file with keys")
        }
        do {
            return try discover(prefix, allowsPlainHTTP)
        } catch {
            throw RuntimeError(.notFound, "error determining key location: --prefix meta discovery error", cause: error)
        }
    }

    /// The bytes at a path or a URL of the kinds `file`, `https` and, where allowed, `http`.
    func bytes(at location: String, allowsPlainHTTP: Bool, verifiesServer: Bool) throws -> [UInt8] {
        guard let end = location.firstRange(of: "://")?.lowerBound else {
            return try KeySource.read(FilePath(location))
        }
        switch location[..<end].lowercased() {
        case "file":
            let path = location[end...].dropFirst("://".count)
            guard path.hasPrefix("/") else {
                throw RuntimeError(
                    .invalidArgument, "key \"\(location)\" has a host; write file:/// and an absolute path")
            }
            return try KeySource.read(FilePath(String(path)))
        case "http" where !allowsPlainHTTP:
            throw RuntimeError(
                .untrusted,
                "key \"\(location)\" would come over plain HTTP, where anybody can replace it; "
                    + "use https, or allow that with --insecure-options=pubkey or trust's --insecure-allow-http")
        case "http", "https":
            return try download(location, allowsPlainHTTP: allowsPlainHTTP, verifiesServer: verifiesServer)
        case let scheme:
            throw RuntimeError(
                .invalidArgument,
                "key \"\(location)\" has the URL scheme \"\(scheme)\"; use https or file, or name a file")
        }
    }

    /// Whether a key comes from a server rather than a file.
    static func isOnServer(_ location: String) -> Bool {
        ["http://", "https://"].contains { location.lowercased().hasPrefix($0) }
    }

    private func download(_ url: String, allowsPlainHTTP: Bool, verifiesServer: Bool) throws -> [UInt8] {
        guard let transport else {
            throw RuntimeError(
                .unsupported,
                "key \"\(url)\" cannot be fetched, since there is no network; download it and name the file")
        }
        let request = HTTPRequest(
            .get, url, limit: Int64(Keystore.fileLimit), allowsPlainHTTP: allowsPlainHTTP,
            verifiesServer: verifiesServer)
        let response: HTTPResponse
        do {
            response = try transport.send(request)
        } catch {
            throw RuntimeError(.notFound, "error downloading the key \"\(url)\"", cause: error)
        }
        guard response.status == 200 else {
            throw RuntimeError(
                .notFound, "error downloading the key \"\(url)\"",
                cause: RuntimeError(.notFound, "bad HTTP status code: \(response.status)"))
        }
        return response.body
    }

    private static func read(_ path: FilePath) throws -> [UInt8] {
        let path = try ImageFinder.absolute(path)
        let file: FileDescriptor
        do {
            file = try FileDescriptor.open(path, .readOnly, options: [.closeOnExec])
        } catch let error as Errno {
            throw RuntimeError.systemCall("open", path, error)
        }
        defer { try? file.close() }
        return try FileSystem.read(file, path, limit: Keystore.fileLimit)
    }
}
