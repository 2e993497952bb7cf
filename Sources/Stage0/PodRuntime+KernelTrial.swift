// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import AppContainer
import Diagnostics
import ImageFetch
import LinuxPlatform
import PodStore
import SystemPackage

/// Running the same pod on several kernels.
extension PodRuntime {
    /// Runs a pod on a stage1 image to its end, and removes it.
    ///
    /// - Parameters:
    ///   - kernel: file, ID, URL or name of the image; `default` stands for the one of other pods.
    ///   - options: flags that this program was called with and that hold for all commands.
    ///   - arguments: what follows `run`.
    ///   - patience: milliseconds until the pod is stopped.
    package func tryKernel(
        _ kernel: String, options: [String], arguments: [String], patience: Int
    ) throws -> KernelTrial {
        let uuidFile = try FileSystem.openAnonymous(in: openImages().layout.temporary)
        defer { try? uuidFile.close() }
        // `run` becomes the pod's supervisor: this program has to go on.
        let words =
            ["rkt"] + options + ["run", "--uuid-file-save=/proc/self/fd/3"] + (try PodRuntime.stage1Flag(kernel))
            + arguments
        let start = Clock.milliseconds
        let run = try CapturedRun(words, uuidFile: uuidFile, patience: patience)
        var trial = KernelTrial(
            kernel: kernel, status: run.exit.status, cause: "refused", milliseconds: Clock.milliseconds - start,
            output: run.output.lines, errors: run.errors.lines)
        if run.wasStopped { trial.timeOut(after: patience) }
        guard (try? uuidFile.seek(offset: 0, from: .start)) == 0,
            let uuid = try? PodUUID(parsing: String(decoding: FileSystem.read(uuidFile, "UUID"), as: UTF8.self))
        else { return trial }
        conclude(&trial, of: uuid)
        return trial
    }

    /// Takes over how a pod has ended, and removes it; what fails is warned of.
    package func conclude(_ trial: inout KernelTrial, of uuid: PodUUID) {
        guard let pod = pods.pod(uuid) else { return }
        // Not looked for among all pods: one that cannot be read is removed, too.
        var images = ImageNames()
        if let end = status(of: pod, .everything, &images).end { trial.describe(end) }
        do {
            _ = try remove(uuid.description)
        } catch {
            notices.warning("kernel-test", "pod \"\(uuid)\" cannot be removed: \(error)")
        }
    }

    private static func stage1Flag(_ kernel: String) throws -> [String] {
        if kernel == "default" { return [] }
        switch try ImageReference(interpreting: kernel) {
        case .hash(let hash): return ["--stage1-hash=\(hash)"]
        case .file(let path): return ["--stage1-path=\(path)"]
        case .name(let name): return ["--stage1-name=\(name)"]
        case .url, .docker: return ["--stage1-url=\(kernel)"]
        case .layout:
            throw RuntimeError(
                .invalidArgument, "\"\(kernel)\" is an OCI layout; name the file, ID, URL or name of a stage1 image")
        }
    }
}

/// A run of this program whose output is kept, the last of it.
private struct CapturedRun {
    let exit: ProcessExit
    private(set) var output = OutputTail()
    private(set) var errors = OutputTail()
    /// Whether it took too long.
    private(set) var wasStopped = false

    /// Milliseconds from being asked to stop to being killed.
    private static let stopPatience = 30_000
    /// Milliseconds for output after the end.
    private static let drainPatience = 1000

    init(_ words: [String], uuidFile: FileDescriptor, patience: Int) throws {
        let null = try FileDescriptor.open("/dev/null", .readOnly, options: [.closeOnExec])
        defer { try? null.close() }
        let (outputs, output) = try FileDescriptor.pipe()
        let (errors, error) = try FileDescriptor.pipe()
        var sources = [outputs, errors]
        defer { for source in [outputs, errors] { try? source.close() } }
        let child: ChildProcess
        do {
            defer { for end in [output, error] { try? end.close() } }
            child = try ChildProcess.spawn(
                SpawnRequest(
                    path: "/proc/self/exe", arguments: words, environment: ProcessImage.environment,
                    descriptors: [null.rawValue, output.rawValue, error.rawValue, uuidFile.rawValue],
                    parentDeathSignal: SIGTERM))
        }
        defer { child.close() }
        var deadline = Clock.milliseconds + patience
        var ended: ProcessExit?
        while ended == nil || !sources.isEmpty {
            let left = deadline - Clock.milliseconds
            if left <= 0 {
                guard ended == nil else { break }
                try child.signal(wasStopped ? SIGKILL : SIGTERM)
                wasStopped = true
                deadline = Clock.milliseconds + CapturedRun.stopPatience
                continue
            }
            let watched = sources.map { ($0, Poll.Interest.read) } + (ended == nil ? [(child.pidfd, .read)] : [])
            for (index, _) in try Poll.wait(watched, timeout: left) where index < sources.count {
                let bytes = try CapturedRun.read(watched[index].0)
                if watched[index].0 == outputs { self.output.append(bytes) } else { self.errors.append(bytes) }
                if bytes.isEmpty { sources.removeAll { $0 == watched[index].0 } }
            }
            if ended == nil, let exit = try child.poll() {
                ended = exit
                deadline = Clock.milliseconds + CapturedRun.drainPatience
            }
        }
        exit = try ended ?? child.wait()
    }

    private static func read(_ source: FileDescriptor) throws -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: 16 << 10)
        // SAFETY: the buffer outlives the call, which writes at most its length.
        let count = try buffer.withUnsafeMutableBytes { try source.read(into: $0) }
        return Array(buffer.prefix(count))
    }
}

/// The end of what a program writes.
package struct OutputTail: Sendable {
    private static let limit = 64 << 10
    private var bytes: [UInt8] = []
    private var isCut = false

    package init() {}

    package mutating func append(_ more: [UInt8]) {
        bytes += more
        guard bytes.count > 2 * OutputTail.limit else { return }
        bytes.removeFirst(bytes.count - OutputTail.limit)
        isCut = true
    }

    /// Without control characters, as it may have been written by anybody. A line whose beginning is lost is left out.
    package var lines: [String] {
        let lines = PrintableText.lines(String(decoding: bytes, as: UTF8.self)).filter { !$0.isEmpty }
        return Array(isCut ? lines.dropFirst() : lines[...])
    }
}
