// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import Diagnostics
import HTTPTransport
import HostConfiguration
import Hypervisor
import LinuxPlatform
import Measurement
import Networking
import SignatureTrust
import SystemPackage

/// Looking at a host. Nothing is made or changed, and no other host is asked.
extension HostFacts {
    init(gathering settings: Settings) throws {
        let download = (try? DownloadLaunch.path()) ?? "/usr/libexec/rkt/download"
        self.init(data: try Self.data(settings.dataDirectory), download: download)
        user = geteuid()
        groups = Self.memberships()
        readConfiguration(settings)
        virtualizationProblem = AcceleratorFacts.probe().problem
        tapProblem = Self.problem(opening: "/dev/net/tun")
        readMeasurement(settings)
        hasSELinux = SELinuxHost.isEnabled
        labels = SELinuxHost.policy()
        labelsAreOff = settings.hypervisorConfiguration?.labels == .off
        kernelRelease = Self.line("/proc/sys/kernel/osrelease") ?? "of an unknown version"
        controlGroups = Self.controlGroups()
        userNamespaces = Self.line("/proc/sys/user/max_user_namespaces").flatMap { Int($0) }
        hasSeccomp = Self.line("/proc/sys/kernel/seccomp/actions_avail") != nil
        let tools = HostTools.installed()
        packetFilters = [tools.nft, tools.iptables?.restore].compactMap { $0?.string }
        let search = ExecutableSearch(environment: ProcessImage.environment)
        gpg = search.candidates(for: "gpg").first { search.canExecute($0) }.map { FilePath($0) }
        keyDirectories = settings.keystore.directories.map { $0.appending("trustedkeys") }
        hasKeys = keyDirectories.contains { Self.holdsFiles($0, depth: 0) }
        hasDownload = access(download.string, X_OK) == 0
        hasJournalConverter = FileSystem.exists("/lib/systemd/systemd-journal-remote")
    }

    // MARK: - Parts

    private static func data(_ path: FilePath) throws -> Data {
        var existing = path
        while !FileSystem.exists(existing), !existing.removingLastComponent().isEmpty, existing != "/" {
            existing.removeLastComponent()
        }
        let status = try FileSystem.status(existing, followSymbolicLink: true)
        var data = Data(path: path, existing: existing, mode: status.mode, isDirectory: status.type == .directory)
        guard data.isDirectory else { return data }
        data.isWritable = access(existing.string, W_OK | X_OK) == 0
        data.fileSystem = try FileSystem.type(ofFileSystemAt: existing)
        data.freeBytes = try FileSystem.freeBytes(existing)
        switch try? Overlay.prospect(in: existing, entriesOf: existing) {
        case .possible: data.overlay = .possible
        case .impossible(let reason): data.overlay = .impossible(reason)
        case .uncertain, nil: data.overlay = .uncertain
        }
        return data
    }

    private static func memberships() -> [String] {
        var numbers = [gid_t](repeating: 0, count: 65_536)
        let count = getgroups(CInt(numbers.count), &numbers)
        let own = Set(numbers.prefix(max(0, Int(count))) + [getegid()])
        return [SystemGroup.members, SystemGroup.administrators].filter { name in
            SystemGroup.id(named: name).map { own.contains($0) } ?? false
        }
    }

    /// Every kind is read from every place by itself, so that one mistake hides no other.
    private mutating func readConfiguration(_ settings: Settings) {
        func note(_ error: any Error, stopsPods: Bool) {
            let text = PrintableText.lines("\(error)").first ?? ""
            if let known = configurationProblems.firstIndex(where: { $0.text == text }) {
                configurationProblems[known].stopsPods = configurationProblems[known].stopsPods || stopsPods
            } else {
                configurationProblems.append(ConfigurationProblem(text, stopsPods: stopsPods))
            }
        }
        for kind in HostConfiguration.kinds {
            for place in settings.configuration {
                do {
                    _ = try HostConfiguration(reading: [place], [kind])
                } catch {
                    // Whom servers know matters when one is asked.
                    note(error, stopsPods: kind.directory != AuthConfiguration.directory)
                }
            }
        }
        minimumIsolation = settings.hypervisorConfiguration?.minimumIsolation?.rawValue
        do {
            plugins = try PluginSurvey(
                directories: settings.networkDirectories, localConfiguration: settings.localConfiguration)
        } catch {
            note(error, stopsPods: true)
        }
    }

    private mutating func readMeasurement(_ settings: Settings) {
        let configured = try? HostConfiguration(reading: settings.configuration, [MeasurementConfiguration.self])[
            MeasurementConfiguration.self]
        measurement = configured.map { $0.tpm ?? .standard }
        do {
            tpm = try MeasurementTools(tcti: configured?.tcti).tcti
        } catch {
            tpmProblem = (error as? RuntimeError)?.message ?? "\(error)"
        }
    }

    private static func controlGroups() -> ControlGroups? {
        guard let mounts = try? FileSystem.readText("/proc/self/mountinfo", limit: 64 << 20) else { return nil }
        let types = Set(
            mounts.split(separator: "\n").compactMap { line -> Substring? in
                let words = line.split(separator: " ")
                guard let dash = words.firstIndex(of: "-"), dash + 1 < words.count else { return nil }
                return words[dash + 1]
            })
        let versions = [(1, "cgroup"), (2, "cgroup2")].filter { types.contains(Substring($0.1)) }.map(\.0)
        return ControlGroups(
            versions: versions, controllers: (try? LinuxPlatform.ControlGroups.controllersBelow()) ?? [])
    }

    private static func problem(opening device: FilePath) -> String? {
        do {
            try FileDescriptor.open(device, .readWrite, options: [.closeOnExec]).close()
            return nil
        } catch {
            return "cannot open \(device): \(error)"
        }
    }

    private static func line(_ path: FilePath) -> String? {
        guard let text = try? FileSystem.readText(path, limit: 64 << 10) else { return nil }
        return text.split(separator: "\n").first.map(String.init)
    }

    /// Whether there is a file that is not empty; an empty one is no key.
    private static func holdsFiles(_ directory: FilePath, depth: Int) -> Bool {
        guard depth < 16, let names = try? FileSystem.list(directory) else { return false }
        return names.contains { name in
            let path = directory.appending(name)
            guard let status = try? FileSystem.status(path, followSymbolicLink: true) else { return false }
            if status.type == .regular { return status.size > 0 }
            // A link might lead to where it stands.
            return (try? FileSystem.status(path))?.type == .directory && holdsFiles(path, depth: depth + 1)
        }
    }
}

extension Settings {
    /// What is configured for machines; nil when that cannot be read.
    var hypervisorConfiguration: HypervisorConfiguration? {
        try? HostConfiguration(reading: configuration, [HypervisorConfiguration.self])[HypervisorConfiguration.self]
    }
}
