// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Crypto
import FoundationEssentials
import Glibc
import LinuxPlatform
import Synchronization
import SystemPackage
import Testing

/// A web server on a loopback port, which a test tells what to answer and asks what it has seen.
///
/// It is a proxy as well, and poses as any host that it is asked for, with a certificate for that host if it is one of
/// `WebCertificates.hosts`: with `proxyEnvironment` a program finds it as `https://example.com/`.
package final class WebServer: Sendable {
    /// A request as it has come in, in the order of coming.
    package struct SeenRequest: Sendable, Codable {
        package let method: String
        /// `HOST:PORT` for `CONNECT`.
        package let url: String
        /// `[name, value]` each.
        package let fields: [[String]]
        private let body: Data
        package let secure: Bool
        /// Whether the client has come here as to a proxy.
        package let proxied: Bool
        /// Requests on one connection have the same number.
        package let connection: Int

        package var bodyText: String { String(decoding: body, as: UTF8.self) }

        /// The path without the query.
        package var path: String {
            let rest = url.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false)
            return "/" + (rest.count > 3 ? String(rest[3].prefix { $0 != "?" }) : "")
        }

        /// The first field of a name.
        package subscript(_ name: String) -> String? {
            fields.first { $0[0].lowercased() == name.lowercased() }?[1]
        }
    }

    package let port: Int
    package let secure: Bool
    private let process: ChildProcess
    private let input: FileDescriptor
    private let directory: FilePath
    private let pages = Atomic(0)

    /// Starts the server.
    ///
    /// - Parameters:
    ///   - secure: whether it talks TLS.
    ///   - certificate: what it shows to clients.
    package init(secure: Bool = true, certificate: WebCertificates.Kind = .valid) throws {
        self.secure = secure
        directory = FilePath(getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp")
            .appending("rkt-web-" + String(UInt64.random(in: .min ... .max), radix: 16))
        try FileSystem.makeDirectory(directory)
        for name in ["pages", "gates"] { try FileSystem.makeDirectory(directory.appending(name)) }
        let file = try WebCertificates.file(certificate)
        guard let python = Program.path(of: "python3") else { throw Errno.noSuchFileOrDirectory }
        let root = (0..<2).reduce(FilePath(#filePath)) { path, _ in path.removingLastComponent() }
        let script = root.removingLastComponent().appending("Tests").appending("servers").appending("web.py")
        let standardInput = try FileDescriptor.pipe()
        let standardOutput = try FileDescriptor.pipe()
        defer {
            try? standardInput.readEnd.close()
            try? standardOutput.readEnd.close()
        }
        process = try ChildProcess.spawn(
            SpawnRequest(
                path: python,
                arguments: [
                    "python3", script.string, directory.string, secure ? "tls" : "plain", file.string,
                ],
                environment: ["PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8", "PYTHONDONTWRITEBYTECODE=1"],
                descriptors: [standardInput.readEnd.rawValue, standardOutput.writeEnd.rawValue, 2]))
        try standardOutput.writeEnd.close()
        input = standardInput.writeEnd
        var line: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 16)
        while line.last != UInt8(ascii: "\n") {
            let count = try buffer.withUnsafeMutableBytes { try standardOutput.readEnd.read(into: $0) }
            guard count > 0 else { throw Requirement(description: "the web server has not started") }
            line += buffer[..<count]
        }
        guard let port = Int(String(decoding: line.dropLast(), as: UTF8.self)) else { throw Errno.badAddress }
        self.port = port
    }

    deinit {
        try? input.close()
        try? process.signal(9)
        _ = try? process.wait()
        process.close()
        try? FileSystem.removeTree(directory)
    }

    /// `https://localhost:PORT`, or `http`.
    package var base: String { "\(secure ? "https" : "http")://localhost:\(port)" }

    package func url(_ path: String) -> String { base + path }

    /// What a program needs in its environment to trust the server.
    package static func environment() throws -> [String: String] {
        ["SSL_CERT_FILE": try WebCertificates.authority().string]
    }

    /// What a program needs in its environment to take this server, which has to be a plain one, for the whole web.
    package func proxyEnvironment() throws -> [String: String] {
        let proxy = "http://127.0.0.1:\(port)"
        return try Self.environment().merging(["http_proxy": proxy, "https_proxy": proxy]) { $1 }
    }

    // MARK: - Answers

    /// Sets the answers to a path, with or without a query, or to a whole URL. The last one is repeated.
    package func serve(_ path: String, _ answers: WebAnswer...) throws {
        struct Page: Encodable {
            let id: Int
            let answers: [WebAnswer]
        }
        let id = pages.add(1, ordering: .relaxed).newValue
        let bytes = try JSONEncoder().encode(Page(id: id, answers: answers))
        try FileSystem.writeAtomically(bytes, to: page(path))
    }

    /// From now on a path is not found.
    package func remove(_ path: String) throws { try FileSystem.remove(page(path)) }

    /// Lets the answers go on that wait for a gate.
    package func open(gate name: String) throws {
        try FileSystem.write([], to: directory.appending("gates").appending(name))
    }

    private func page(_ path: String) -> FilePath {
        let digest = SHA256.hash(data: Array(path.utf8))
        return directory.appending("pages").appending(
            digest.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined())
    }

    // MARK: - Requests

    /// All requests so far.
    package var requests: [SeenRequest] {
        let bytes = (try? FileSystem.read(directory.appending("requests"), limit: 64 << 20)) ?? []
        return bytes.split(separator: UInt8(ascii: "\n")).compactMap { line in
            try? JSONDecoder().decode(SeenRequest.self, from: Data(line))
        }
    }

    /// The requests for a path, whatever their query.
    package func requests(of path: String) -> [SeenRequest] { requests.filter { $0.path == path } }
}

extension Trait where Self == ConditionTrait {
    /// What a `WebServer` is made with.
    package static var requiresWebServer: Self {
        Requirement.trait("needs the programs python3 and openssl") {
            Program.path(of: "python3") != nil && Program.path(of: "openssl") != nil
        }
    }
}
