// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import LinuxPlatform
import Synchronization
import SystemPackage

/// The transport that has the `download` program do the work.
///
/// The program is started with the first request and ended with this value. A call made while another one is under way,
/// by a callback or on another thread, gets a program of its own.
package final class DownloadProgram: HTTPTransport {
    /// How many requests of one call are under way at once.
    package static let concurrency = 8
    /// How large the body of an answer in memory may be, whatever the request says.
    package static let memoryLimit: Int64 = 64 << 20
    /// How large a request may be, with its body.
    package static let requestLimit = 256 << 10
    /// How much of the body comes in memory when the status of a download is not one with a file.
    package static let complaintLimit: Int64 = 64 << 10

    private let path: FilePath
    private let environment: [String]
    private let trace: (@Sendable (String) -> Void)?
    private let idle = Mutex<[DownloadConnection]>([])

    /// - Parameters:
    ///   - path: the program.
    ///   - environment: where proxies and certificates are looked for; the program gets nothing else of it.
    ///   - trace: gets a line for each request and each status, without credentials.
    package init(
        path: FilePath, environment: [String] = ProcessImage.environment,
        trace: (@Sendable (String) -> Void)? = nil
    ) {
        self.path = path
        self.environment = environment
        self.trace = trace
    }

    deinit { close() }

    /// Ends the program now; the next request starts it again.
    ///
    /// Who executes another program in place of this one calls it before, so that no ended process is left to a parent
    /// that does not know of it.
    package func close() {
        let connections = idle.withLock { connections in
            defer { connections = [] }
            return connections
        }
        for connection in connections { connection.close() }
    }

    package func send(_ request: HTTPRequest) throws -> HTTPResponse {
        try run([DownloadTask(request)])[0].get()
    }

    package func download(_ downloads: [Download]) throws -> [Result<HTTPResponse, any Error>] {
        try run(downloads.map { DownloadTask($0) })
    }

    private func run(_ tasks: [DownloadTask]) throws -> [Result<HTTPResponse, any Error>] {
        guard !tasks.isEmpty else { return [] }
        var connection = try idle.withLock { $0.popLast() } ?? connect()
        do {
            let results = try DownloadBatch(tasks, trace: trace).run(on: &connection)
            let connection = connection
            idle.withLock { $0.append(connection) }
            return results
        } catch {
            connection.close()
            throw error
        }
    }

    private func connect() throws -> DownloadConnection {
        try DownloadConnection(DownloadLaunch(path: path, environment: environment, traces: trace != nil).request())
    }
}
