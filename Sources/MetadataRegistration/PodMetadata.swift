// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import LinuxPlatform
import SystemPackage

/// The file `metadata` in the directory of a pod that may be registered.
package struct PodMetadata: Equatable, Sendable {
    /// Base of the pod's paths at the service; it has the pod's token. Nil before the pod is registered.
    package var url: String?

    private static let limit = 4096

    package init(url: String? = nil) {
        self.url = url
    }

    /// - Returns: nil when there is no file.
    package init?(reading file: FilePath) throws {
        guard FileSystem.exists(file) else { return nil }
        let document: JSONValue
        do {
            document = try JSONValue(parsing: FileSystem.read(file, limit: PodMetadata.limit))
        } catch {
            throw RuntimeError(.invalidArgument, "cannot understand \(file)", cause: error)
        }
        guard document.object != nil else { throw RuntimeError(.invalidArgument, "\(file) is no object") }
        url = document["url"]?.string
        if let url, !url.hasPrefix("http://") || !url.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) {
            throw RuntimeError(.invalidArgument, "\(file) has no URL that can be used")
        }
    }

    /// Nobody but root may read it.
    package func write(to file: FilePath) throws {
        let document: JSONValue = url.map { ["url": .string($0)] } ?? .object(JSONObject())
        try FileSystem.writeAtomically((document.encoded() + "\n").utf8, to: file, mode: 0o600)
    }

    /// Base of a pod's paths.
    package static func url(_ address: IPAddress, port: Int, token: String) -> String {
        let host = address.family == .v4 ? "\(address)" : "[\(address)]"
        return "http://\(host):\(port)/\(token)"
    }

    /// 16 random bytes as 32 lower-case hexadecimal digits; they come from getrandom(2) through the standard library.
    package static func token() -> String {
        var generator = SystemRandomNumberGenerator()
        return (0..<16).map { _ -> String in
            let byte = UInt8.random(in: .min ... .max, using: &generator)
            return String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
        }.joined()
    }

    /// Takes back the registration of a pod that has such a file, and removes the file. Without a service, what it would
    /// read when it starts is removed instead.
    package static func unregister(
        _ uuid: PodUUID, _ file: FilePath, client: RegistrationClient = RegistrationClient(),
        kept: FilePath = "/run/rkt/metadata"
    ) throws {
        guard FileSystem.exists(file) else { return }
        if try !client.unregister(uuid) { try remove(kept.appending("\(uuid).pod")) }
        try remove(file)
    }

    private static func remove(_ file: FilePath) throws {
        do {
            try FileSystem.remove(file)
        } catch let error as RuntimeError where error.code == .notFound {
        }
    }
}
