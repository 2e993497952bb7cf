// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// The requests of one call, a few at a time, until each has its result.
struct DownloadBatch {
    private let tasks: [DownloadTask]
    private let trace: (@Sendable (String) -> Void)?

    init(_ tasks: [DownloadTask], trace: (@Sendable (String) -> Void)?) {
        self.tasks = tasks
        self.trace = trace
    }

    /// - Throws: what keeps the program from working at all.
    func run(on connection: inout DownloadConnection) throws -> [Result<HTTPResponse, any Error>] {
        var results = [Result<HTTPResponse, any Error>?](repeating: nil, count: tasks.count)
        var running: [UInt32: (index: Int, task: DownloadTask)] = [:]
        var waiting = tasks.indices.makeIterator()
        func startNext(_ connection: inout DownloadConnection) throws {
            while running.count < DownloadProgram.concurrency, let index = waiting.next() {
                if let problem = tasks[index].problem {
                    results[index] = .failure(problem)
                    continue
                }
                let id = try connection.start(tasks[index].start, file: tasks[index].download?.file)
                running[id] = (index, tasks[index])
            }
        }
        try startNext(&connection)
        while !running.isEmpty {
            let frame = try connection.receive()
            if frame.kind == .trace {
                trace?(String(decoding: frame.payload, as: UTF8.self).shownLine)
                continue
            }
            guard case (let index, var task)? = running[frame.id] else {
                throw connection.misbehaved("a frame of no request")
            }
            let step: DownloadTask.Step
            do {
                step = try task.take(frame)
            } catch let violation as DownloadTask.Violation {
                throw connection.misbehaved(violation.what)
            }
            running[frame.id] = (index, task)
            switch step {
            case .nothing: break
            case .reply(let kind): try connection.send(DownloadFrame(kind, frame.id))
            case .end(let result):
                running[frame.id] = nil
                results[index] = result
                try startNext(&connection)
            }
        }
        return results.compactMap { $0 }
    }
}
