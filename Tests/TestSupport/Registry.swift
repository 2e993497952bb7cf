// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import LinuxPlatform
import SystemPackage

/// A real image registry on a free port of the loopback interface, over TLS, and gone with its data when the value goes.
///
/// It needs the programs of ``programs``. Images come into it by `push`, which skopeo does.
package final class Registry {
    /// What a test that uses it must require.
    package static let programs = ["docker-registry", "skopeo", "openssl", "htpasswd"]
    package static let user = "clerk"
    package static let password = "opensesame"

    /// `127.0.0.1:PORT`, as it stands in references to images.
    package let host: String
    /// The certificate, which has signed itself; programs must be told to trust it.
    package let certificate: FilePath
    private let scratch: ScratchDirectory
    private let process: HostProcess

    /// Starts the registry and waits until it answers.
    ///
    /// - Parameter requiresPassword: whether everybody must send `user` and `password` (HTTP basic authentication).
    package init(requiresPassword: Bool = true, isolation: isolated (any Actor)? = #isolation) async throws {
        scratch = try ScratchDirectory()
        certificate = scratch.appending("certificate.pem")
        let key = scratch.appending("key.pem")
        _ = try Program.output(
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days",
            "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout",
            key.string,
            "-out", certificate.string)
        let passwords = scratch.appending("htpasswd")
        try FileSystem.write(
            try Program.output("htpasswd", "-Bbn", "-C", "4", Registry.user, Registry.password), to: passwords)
        let port = try Registry.freePort()
        host = "127.0.0.1:\(port)"
        var configuration = """
            version: 0.1
            log: {level: error}
            storage: {filesystem: {rootdirectory: "\(scratch.appending("data"))"}}
            http: {addr: "\(host)", tls: {certificate: "\(certificate)", key: "\(key)"}}

            """
        if requiresPassword { configuration += "auth: {htpasswd: {realm: rkt, path: \"\(passwords)\"}}\n" }
        let file = scratch.appending("registry.yml")
        try FileSystem.write(Array(configuration.utf8), to: file)
        guard let program = Program.path(of: "docker-registry") else { throw Errno.noSuchFileOrDirectory }
        process = try HostProcess(program, ["serve", file.string], log: scratch.appending("registry"))
        try await eventually("the start of the registry (\(process.error))", within: .seconds(30)) {
            guard process.isRunning else { throw Requirement(description: "the registry ended: \(process.error)") }
            return Registry.isOpen(port)
        }
    }

    deinit { process.kill() }

    /// Puts an image into the registry.
    ///
    /// - Parameters:
    ///   - source: as skopeo names images, such as `oci:DIRECTORY:REF`.
    ///   - name: of the image in the registry: `team/app:1.0`.
    ///   - format: `oci` or `v2s2`; nil keeps what the source has.
    package func push(_ source: String, as name: String, format: String? = nil) throws {
        let options = format.map { ["--format", $0] } ?? []
        guard let skopeo = Program.path(of: "skopeo") else { throw Errno.noSuchFileOrDirectory }
        let arguments =
            ["skopeo", "--insecure-policy", "copy", "-q", "--all", "--dest-tls-verify=false"]
            + ["--dest-creds", "\(Registry.user):\(Registry.password)"] + options + [
                source, "docker://\(host)/\(name)",
            ]
        let child = try ChildProcess.spawn(
            SpawnRequest(
                path: skopeo, arguments: arguments,
                environment: ["PATH=\(HostProcess.searchPath)", "LC_ALL=C", "HOME=\(scratch.path)"]))
        defer { child.close() }
        guard try child.wait() == .exited(0) else { throw Requirement(description: "skopeo cannot push \(source)") }
    }

    // MARK: - Ports

    /// A port that nothing listens on. Another program may take it before it is used.
    package static func freePort() throws -> UInt16 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw lastErrno }
        defer { close(descriptor) }
        var address = loopback(port: 0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        // SAFETY: the address is passed with its own size, and getsockname writes no more than that.
        let result = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                bind(descriptor, generic, length) == 0 ? getsockname(descriptor, generic, &length) : -1
            }
        }
        guard result == 0 else { throw lastErrno }
        return UInt16(bigEndian: address.sin_port)
    }

    private static func isOpen(_ port: UInt16) -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        var address = loopback(port: port)
        // SAFETY: the address is passed with its own size.
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                connect(descriptor, generic, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }

    private static func loopback(port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        return address
    }
}
