// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import Diagnostics
import GuestProtocol
import LinuxPlatform
import SystemPackage

/// Makes in the guest what the pod's configuration says: shares, unit files, app roots.
struct PodSetUp {
    let pod: PodConfiguration

    func apply() throws {
        try applyKernelSettings()
        for share in pod.shares { try mount(share) }
        for directory in [GuestLayout.state, GuestLayout.apps, GuestLayout.shared, GuestLayout.journalDirectory] {
            try FileSystem.makeDirectories(directory)
        }
        for file in pod.files { try make(file) }
        try FileSystem.write(Array(settings.utf8), to: GuestLayout.settings)
        try FileSystem.write(Array("\(pod.hostname)\n".utf8), to: GuestLayout.shared.appending("hostname"))
        try FileSystem.write(Array(hosts.utf8), to: GuestLayout.shared.appending("hosts"))
        try FileSystem.write([], to: GuestLayout.shared.appending("masked"), mode: 0o000)
        for (number, file) in pod.sharedFiles.enumerated() {
            try FileSystem.write(file.contents, to: GuestLayout.sharedFile(number))
        }
        if pod.isMutable { try noteSharedFiles() }
        for app in pod.apps {
            try FileSystem.write(app.encoded, to: GuestLayout.app(app.name), mode: 0o600)
            do {
                try AppRoot(app: app, sharedFiles: pod.sharedFiles).mount()
            } catch {
                throw RuntimeError(.internal, "setting up the root of app \(app.name)", cause: error)
            }
        }
    }

    /// For apps that come later; what the files hold is there already.
    private func noteSharedFiles() throws {
        let files = pod.sharedFiles.map {
            PodConfiguration.SharedFile(path: $0.path, contents: [], readOnly: $0.readOnly)
        }
        let note = PodConfiguration(hostname: "", machineID: "", sharedFiles: files, isMutable: true)
        try FileSystem.write(note.encoded, to: GuestLayout.mutablePod)
    }

    private func applyKernelSettings() throws {
        guard !pod.kernelSettings.isEmpty else { return }
        guard GuestPort.isInContainer else {
            for setting in pod.kernelSettings { try apply(setting, "/proc/sys") }
            return
        }
        // A container's /proc/sys is read-only. Stage1 lets through only what is the container's own.
        let proc = GuestLayout.state.appending("proc")
        try FileSystem.makeDirectories(proc)
        try Mount.mount(source: "proc", target: proc, type: "proc", flags: [.noSetUserID, .noDevices, .noExecution])
        defer { try? Mount.unmount(proc) }
        for setting in pod.kernelSettings { try apply(setting, proc.appending("sys")) }
    }

    private func apply(_ setting: PodConfiguration.KernelSetting, _ root: FilePath) throws {
        let path = root.pushing(FilePath(setting.path))
        do {
            let file = try FileDescriptor.open(path, .writeOnly, options: [.closeOnExec])
            defer { try? file.close() }
            try FileSystem.writeAll(Array(setting.value.utf8), to: file, path)
        } catch let error as Errno {
            let reason = error == .noSuchFileOrDirectory ? "the guest's kernel has no such setting" : error.text
            throw RuntimeError(.invalidArgument, "sysctl \(setting.path): \(reason)")
        }
    }

    private func mount(_ share: PodConfiguration.Share) throws {
        try FileSystem.makeDirectories(FilePath(share.mountPoint))
        var flags: MountFlags = []
        if share.readOnly { flags.insert(.readOnly) }
        if share.forbidsDevices { flags.formUnion([.noDevices, .noSetUserID]) }
        do {
            try Mount.mount(
                source: share.tag, target: FilePath(share.mountPoint), type: share.type, flags: flags,
                data: share.options)
        } catch {
            throw RuntimeError(.internal, "mounting share \(share.tag)", cause: error)
        }
    }

    private func make(_ file: PodConfiguration.File) throws {
        let path = FilePath(file.path).lexicallyNormalized()
        guard path.starts(with: "/run") else {
            throw RuntimeError(.invalidArgument, "the pod's file \(file.path) is not below /run")
        }
        try FileSystem.makeDirectories(path.removingLastComponent())
        switch file.content {
        case .text(let text): try FileSystem.write(Array(text.utf8), to: path)
        case .link(let target): try FileSystem.makeSymbolicLink(to: target, at: path)
        }
    }

    private var settings: String { pod.apps.map { $0.name + "\n" }.joined() }

    private var hosts: String {
        """
        127.0.0.1 localhost localhost.domain localhost4 localhost4.localdomain4 \(pod.hostname)
        ::1 localhost localhost.domain localhost6 localhost6.localdomain6 \(pod.hostname)

        """
    }
}
