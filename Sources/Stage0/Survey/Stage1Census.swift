// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import AppContainer
import Diagnostics
import HostConfiguration
import ImageArchive
import ImageFetch
import ImageStore
import LinuxPlatform
import SystemPackage

/// Asks the stage1 images of this host what they find on it, without a pod and without unpacking them.
///
/// Only images are asked whose programs would run pods without anybody being asked: installed ones, and the configured one.
struct Stage1Census {
    let settings: Settings
    /// Opens the image store; nil when there is none, as asking must not make one.
    let openStore: () throws -> ImageFinder?

    /// An image's file can be as large as a kernel, a guest's root and the program take.
    private static let limits = ArchiveLimits(entries: 500_000, expandedBytes: 8 << 30)
    /// Bytes of a program.
    private static let programLimit = 256 << 20
    /// Images that are asked.
    private static let mostImages = 32
    private static let processLimits = ProcessLimits(output: Stage1Answer.limit, milliseconds: 60_000)

    /// What there is to be asked.
    private enum Source {
        case file(FilePath)
        case stored(StoredImage, ImageStore)
    }

    /// The image of pods that ask for none goes first.
    func reports() -> [Stage1Report] {
        var reports: [Stage1Report] = []
        var standard: FilePath?
        do {
            let source = try findStandard()
            if case .file(let path) = source { standard = path }
            reports.append(report(source, isDefault: true))
        } catch {
            reports.append(
                Stage1Report(name: "(default)", isDefault: true, outcome: .failed(PrintableText.line("\(error)"))))
        }
        // The same name in a later directory is another copy.
        var names = Set(standard?.lastComponent.map { [$0.string] } ?? [])
        for directory in directories {
            for name in (try? FileSystem.list(directory)) ?? []
            where name.hasPrefix("stage1-") && name.hasSuffix(".aci") && names.insert(name).inserted {
                guard reports.count < Self.mostImages else { return reports }
                reports.append(report(.file(directory.appending(name)), isDefault: false))
            }
        }
        return reports
    }

    private var directories: [FilePath] { [settings.stage1Images, ImageFinder.programDirectory].compactMap { $0 } }

    // MARK: - Finding

    /// As `ImageFinder` does for a pod, but that nothing is imported or fetched.
    private func findStandard() throws -> Source {
        let configured = try HostConfiguration(reading: settings.configuration, [Stage1Configuration.self])[
            Stage1Configuration.self]
        let finder = try openStore()
        if let identity = configured.identity, let finder {
            let name = ImageName(name: identity.name, labels: [Label(name: "version", value: identity.version)])
            if let image = try finder.store.image(named: name) { return .stored(image, finder.store) }
        }
        guard let location = configured.location else { return .file(try findInstalled()) }
        if case .file(let path) = try ImageReference(interpreting: location), FileSystem.exists(path) {
            return .file(path)
        }
        if let finder, let image = try? finder.findStored(location) { return .stored(image, finder.store) }
        if let name = FilePath(location).lastComponent, let beside = ImageFinder.programDirectory?.appending(name),
            FileSystem.exists(beside)
        {
            return .file(beside)
        }
        throw RuntimeError(
            .notFound,
            "the configured stage1 image \"\(location)\" is not on this host; one with a URL is fetched by the first pod, "
                + "or by rkt fetch")
    }

    private func findInstalled() throws -> FilePath {
        let candidates = directories.map { $0.appending(Settings.stage1FileName) }
        if let path = candidates.first(where: { FileSystem.exists($0) }) { return path }
        let places = candidates.map { "\"\($0)\"" }.joined(separator: " or ")
        throw RuntimeError(.notFound, "no stage1 image at \(places); install one or name one with --stage1-path")
    }

    // MARK: - Asking

    private func report(_ source: Source, isDefault: Bool) -> Stage1Report {
        var name: String
        var path: FilePath?
        switch source {
        case .file(let file):
            name = file.lastComponent?.string ?? ""
            path = file
        case .stored(let image, _): name = image.name
        }
        name = PrintableText.line(name)
        var version: String?
        let outcome: Stage1Report.Outcome
        do {
            let file = try open(source)
            defer { try? file.close() }
            let image = ImageFile(file, name: path?.string ?? name, limits: Self.limits)
            let bytes = try image.manifestBytes()
            let manifest = try ImageManifest(parsing: bytes)
            name = manifest.name.string
            version = manifest.version.map { PrintableText.line($0) }
            outcome = try ask(image, manifest, bytes, path)
        } catch {
            outcome = .failed(PrintableText.line("\(error)"))
        }
        return Stage1Report(name: name, version: version, file: path, isDefault: isDefault, outcome: outcome)
    }

    private func open(_ source: Source) throws -> FileDescriptor {
        guard case .file(let path) = source else {
            guard case .stored(let image, let store) = source else { throw RuntimeError(.internal, "no source") }
            return try store.openBlob(image)
        }
        guard try FileSystem.status(path, followSymbolicLink: true).type == .regular else {
            throw RuntimeError(.invalidArgument, "\"\(path)\" is not a regular file")
        }
        do {
            return try FileDescriptor.open(path, .readOnly, options: [.closeOnExec, .nonBlocking])
        } catch let error as Errno {
            throw RuntimeError.systemCall("open", path, error)
        }
    }

    private func ask(
        _ image: ImageFile, _ manifest: ImageManifest, _ bytes: [UInt8], _ path: FilePath?
    ) throws -> Stage1Report.Outcome {
        let interface = try Stage1Interface(manifest)
        _ = try interface.runPath()
        // What cannot be read is told of with the configuration.
        let configuration = settings.hypervisorConfiguration ?? HypervisorConfiguration()
        try interface.check(configuration)
        guard let entrypoint = interface.path(.survey) else {
            return .silent("it has no survey entrypoint, so it cannot be asked what it needs")
        }
        guard let program = try program(entrypoint, of: image, manifest, beside: path) else {
            return .silent("its program /\(entrypoint) is in an image that it depends on, which is not at hand")
        }
        var question = JSONObject()
        question.set("manifest", try JSONValue(parsing: bytes))
        if let entry = configuration.entries.first { question.set("hypervisor", .object(entry)) }
        if let programs = try? InstalledPrograms.directory() { question.set("programs", .string(programs.string)) }
        let output = try run(program, "/" + entrypoint, input: Array(JSONValue.object(question).encoded().utf8))
        return .answer(try Stage1Answer(parsing: output))
    }

    /// The entrypoint's file: the image's own, or that of an installed image that it depends on.
    private func program(
        _ entrypoint: String, of image: ImageFile, _ manifest: ImageManifest, beside path: FilePath?
    ) throws -> [UInt8]? {
        if let own = try image.contents(of: entrypoint, limit: Self.programLimit) { return own }
        let places = directories + (path.map { [$0.removingLastComponent()] } ?? [])
        for dependency in manifest.dependencies {
            let name = "\(dependency.imageName.string.split(separator: "/").last ?? "").aci"
            for place in places where FileSystem.exists(place.appending(name)) {
                let file = try open(.file(place.appending(name)))
                defer { try? file.close() }
                let part = ImageFile(file, name: place.appending(name).string, limits: Self.limits)
                guard try ImageManifest(parsing: part.manifestBytes()).name == dependency.imageName,
                    let found = try part.contents(of: entrypoint, limit: Self.programLimit)
                else { continue }
                return found
            }
        }
        return nil
    }

    /// Runs a program that is nowhere but in memory, so that there is nothing to be left behind.
    private func run(_ program: [UInt8], _ name: String, input: [UInt8]) throws -> [UInt8] {
        let file = try executable(program)
        defer { try? file.close() }
        let temporary = FilePath(ProcessImage.variable("TMPDIR").flatMap { $0.hasPrefix("/") ? $0 : nil } ?? "/tmp")
        let process = BoundedProcess(
            program: FilePath("/proc/\(getpid())/fd/\(file.rawValue)"), name: name,
            environment: ProcessImage.environment, input: input, directory: temporary, limits: Self.processLimits)
        let outcome: BoundedProcess.Outcome
        do {
            outcome = try process.run()
        } catch {
            throw RuntimeError(.internal, "its program \(name) cannot be asked", cause: error)
        }
        guard outcome.exit == .exited(0) else {
            let line = outcome.error.split(separator: UInt8(ascii: "\n")).first
            let said = line.map { PrintableText.line($0.prefix(1000)) }
            throw RuntimeError(
                .invalidState, "its program \(name) ended with \(outcome.exit)" + (said.map { ": \($0)" } ?? ""))
        }
        return outcome.output
    }

    /// A file that is open for writing cannot be executed.
    private func executable(_ program: [UInt8]) throws -> FileDescriptor {
        let writing = try FileSystem.openInMemory(named: "survey")
        defer { try? writing.close() }
        try FileSystem.writeAll(program, to: writing)
        let path = FilePath("/proc/self/fd/\(writing.rawValue)")
        do {
            return try FileDescriptor.open(path, .readOnly, options: [.closeOnExec])
        } catch let error as Errno {
            throw RuntimeError.systemCall("open", path, error)
        }
    }
}
