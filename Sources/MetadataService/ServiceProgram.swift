// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import Diagnostics
import LinuxPlatform
import SystemPackage

/// The program `metadata-service`, which takes the place of `rkt metadata-service`.
package enum ServiceProgram {
    private static let registrationSocket: FilePath = "/run/rkt/metadata-svc.sock"
    private static let directory: FilePath = "/run/rkt/metadata"
    private static let name = "metadata-service"

    /// Serves until SIGTERM or SIGINT.
    ///
    /// - Parameter arguments: `--listen-port=PORT`, or nothing for 18112.
    /// - Returns: the exit status.
    package static func run(arguments: [String]) -> Int32 {
        do {
            try serve(port: port(arguments))
            return ExitStatus.success
        } catch {
            say(String(describing: error))
            return ExitStatus.error
        }
    }

    private static func port(_ arguments: [String]) throws -> Int {
        guard let argument = arguments.first else { return 18112 }
        let flag = "--listen-port="
        guard arguments.count == 1, argument.hasPrefix(flag), let port = UInt16(argument.dropFirst(flag.count)) else {
            throw RuntimeError(.invalidArgument, "usage: metadata-service [--listen-port=PORT], a port from 0 to 65535")
        }
        return Int(port)
    }

    private static func serve(port: Int) throws {
        signal(SIGPIPE, SIG_IGN)
        let signals = try SignalDescriptor([SIGTERM, SIGINT])
        // There may be more connections than descriptors by default.
        ResourceLimit.allowDescriptors(4096)
        let directory = try stateDirectory()
        let sockets = try listen(port: port)
        defer { for socket in sockets { socket.removePath() } }
        let ports = sockets.compactMap { socket -> Int? in
            if case .tcp(_, let port) = socket.place { port } else { nil }
        }
        guard let first = ports.first else {
            throw RuntimeError(.internal, "there is no TCP socket to listen on")
        }
        let endpoints = MetadataEndpoints(port: first, files: RegistryFiles(directory), report: say)
        let server = MetadataServer(endpoints)
        for socket in sockets { try server.serve(socket) }
        say("listening on port \(first)")
        try NotificationSocket.notifyReady()
        while try signals.next() == nil { _ = try Poll.wait([(signals.descriptor, .read)], timeout: nil) }
    }

    /// The sockets that systemd has passed, and others for what is missing.
    private static func listen(port: Int) throws -> [ListeningSocket] {
        var sockets = try ListeningSocket.passed()
        let isRegistration = sockets.map { if case .unix = $0.place { true } else { false } }
        if !isRegistration.contains(true) {
            try FileSystem.makeDirectories(registrationSocket.removingLastComponent())
            sockets.append(try ListeningSocket.unix(registrationSocket))
        }
        if !isRegistration.contains(false) {
            do {
                sockets.append(try ListeningSocket.tcpOnAllAddresses(port: port))
            } catch {
                for socket in sockets { socket.removePath() }
                throw error
            }
        }
        return sockets
    }

    /// Where what is registered is kept (systemd.exec(5), RuntimeDirectory=).
    private static func stateDirectory() throws -> FilePath {
        let named = ProcessImage.variable("RUNTIME_DIRECTORY")?.split(separator: ":").first.map { FilePath(String($0)) }
        let directory = named ?? directory
        try FileSystem.makeDirectories(directory.removingLastComponent())
        if !FileSystem.exists(directory) { try FileSystem.makeDirectory(directory, mode: 0o700) }
        return directory
    }

    @Sendable private static func say(_ text: String) {
        try? FileSystem.writeAll(Array("\(name): \(PrintableText.line(text))\n".utf8), to: .standardError)
    }
}
