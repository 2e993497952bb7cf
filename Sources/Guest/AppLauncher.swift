// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import CLinuxShims
import Diagnostics
import GuestProtocol
import LinuxPlatform
import SystemPackage

/// Becomes a program of an app: the last step between systemd, or the agent, and the image's own code.
///
/// It runs outside the app's root, so that nothing of the image is needed to report why a program could not start.
struct AppLauncher {
    enum Program {
        case main, preStart, postStop
        /// What `rkt enter` asks for.
        case command([String])
    }

    private typealias Status = ProgramFailure.Status

    let app: PodConfiguration.App
    let program: Program
    /// Where to say why the program cannot be started; it is closed once the program is.
    private let complaints: CInt

    init(app name: String, program: Program) throws {
        app = try PodConfiguration.App(decoding: FileSystem.read(GuestLayout.app(name)))
        self.program = program
        if case .command = program {} else if app.marksErrors { Journal.connectErrors(of: name) }
        complaints = fcntl(2, F_DUPFD_CLOEXEC, 3)
    }

    func run() -> Never {
        let arguments: [String] =
            switch program {
            case .main: app.exec
            case .preStart: app.preStart
            case .postStop: app.postStop
            case .command(let command): command
            }
        if case .main = program {
            connectStreams()
        }
        if case .command = program {
            let isInContainer = GuestPort.isInContainer
            leaveAgent()
            guard chroot(app.root) == 0, chdir("/") == 0 else {
                fail("Unable to change to the root of app \(app.name): \(lastErrno.text)", Status.root)
            }
            // The command is the image's own, and in a container it could do with the host what it has capabilities for.
            if isInContainer { restrictCapabilities() }
            execute(arguments)
        }
        if case .main = program, FileSystem.exists(GuestLayout.mutablePod) {
            try? AgentClient.request(.started(app: app.name))
        }
        enterRoot()
        perform { try ProgramStart.enter(workingDirectory: app.workingDirectory) }
        restrictCapabilities()
        if case .main = program { becomeUser() }
        if app.noNewPrivileges { perform(ProgramStart.giveUpPrivileges) }
        // The last step: the filter may forbid what the steps before it need.
        execute(arguments, filtered: true)
    }

    /// Gives up what only the agent is to have: it is spared when memory is short, and may have very many descriptors. A
    /// command gets what systemd gives apps (systemd-system.conf(5), `DefaultLimitNOFILE=`).
    private func leaveAgent() {
        if let score = try? FileSystem.readText("/proc/1/oom_score_adj", limit: 16),
            let file = try? FileDescriptor.open("/proc/self/oom_score_adj", .writeOnly, options: .closeOnExec)
        {
            try? FileSystem.writeAll(Array(score.utf8), to: file)
            try? file.close()
        }
        ResourceLimit.expectDescriptors(1024)
    }

    /// Standard input is empty already, and the others are the journal.
    private func connectStreams() {
        let modes = [app.input, app.output, app.error]
        if modes[1...].contains(.nothing) {
            let null = open("/dev/null", O_WRONLY | O_CLOEXEC)
            guard null >= 0 else { fail("Unable to open /dev/null: \(lastErrno.text)", Status.root) }
            for descriptor in 1...2 where modes[descriptor] == .nothing { dup2(null, CInt(descriptor)) }
        }
        guard modes.contains(where: \.isShared) else { return }
        do {
            // The agent holds the other ends of what it passes here.
            try StreamEnds.request(of: app).connect(modes)
        } catch {
            fail("Unable to get the app's streams: \(error)", Status.root)
        }
    }

    /// Leaves nothing of the guest to find: its mounts are gone from the app's namespace, not only out of sight.
    private func enterRoot() {
        do {
            try Mount.leaveNamespace()
            try showNotificationSocket()
            guard chdir(app.root) == 0 else { throw RuntimeError.systemCall("chdir", FilePath(app.root), lastErrno) }
            // The old root comes to lie over the new one (pivot_root(2)).
            try check(rkt_pivot_root(".", "."), "pivot_root", FilePath(app.root))
            try Mount.unmount(".", detach: true)
            guard chdir("/") == 0 else { throw RuntimeError.systemCall("chdir", "/", lastErrno) }
        } catch {
            fail("Unable to change to the root of app \(app.name): \(error)", Status.root)
        }
    }

    /// Lets the main program, and what it starts, speak to the guest's systemd.
    private func showNotificationSocket() throws {
        guard case .main = program, app.supportsNotify else { return }
        let path = GuestLayout.notifySocket
        do {
            let place = try RootDirectory(FilePath(app.root)).open(path.string)
            defer { try? place.close() }
            try Mount.bind(path, place.path)
        } catch {
            throw RuntimeError(
                .unsupported,
                "the app says when it is ready, and there is no place for \(path): make an empty file there in its volume",
                cause: error)
        }
    }

    /// What systemd says to the app's service (systemd.exec(5)).
    private var notification: [String] {
        guard case .main = program, app.supportsNotify else { return [] }
        let watchdog = ["WATCHDOG_USEC", "WATCHDOG_PID"].compactMap { name in
            ProcessImage.variable(name).map { "\(name)=\($0)" }
        }
        return ["NOTIFY_SOCKET=\(GuestLayout.notifySocket)"] + watchdog
    }

    private func restrictCapabilities() {
        for capability: CInt in 0..<64 where app.capabilityBoundingSet & (1 << UInt64(capability)) == 0 {
            let result = rkt_drop_bounding_capability(capability)
            // EINVAL: the kernel has no such capability.
            if result < 0, result != -EINVAL {
                fail("Unable to drop capability \(capability)", Status.capabilities)
            }
        }
    }

    private func becomeUser() {
        // A filter without no-new-privileges takes CAP_SYS_ADMIN. What is kept for that ends with execve(2): there is no
        // ambient capability, and the bounding set holds for root.
        _ = rkt_set_keep_capabilities(1)
        let user = ProgramUser(uid: app.uid, gid: app.gid, supplementaryGIDs: app.supplementaryGIDs)
        perform { try ProgramStart.assume(user) }
        let administration = UInt64(1) << 21  // CAP_SYS_ADMIN
        guard app.uid == 0 || rkt_set_capabilities(administration, administration, 0) == 0 else {
            fail("Unable to keep a capability: \(lastErrno.text)", Status.capabilities)
        }
    }

    private func filterSystemCalls() {
        let filter = app.systemCallFilter
        guard !filter.isEmpty else { return }
        // SAFETY: the array outlives the call; an instruction has eight bytes.
        let result = filter.withUnsafeBytes {
            rkt_set_seccomp_filter($0.baseAddress, UInt16(clamping: $0.count / 8))
        }
        guard result == 0 else { fail("Unable to filter system calls: error \(-result)", Status.systemCalls) }
    }

    /// - Parameter filtered: whether the app's system call filter holds from now on. What fails after that may end by a
    ///   signal without a word, so files are looked for before.
    private func execute(_ arguments: [String], filtered: Bool = false) -> Never {
        var environment = app.environment
        var isCommand = false
        if case .command = program {
            isCommand = true
            if let type = ProcessImage.variable("TERM") {
                environment.removeAll { $0.hasPrefix("TERM=") }
                environment.append("TERM=\(type)")
            }
        }
        let told = notification
        environment.removeAll { variable in
            told.contains { variable.prefix { $0 != "=" } == $0.prefix { $0 != "=" } }
        }
        environment += told
        let confine: (() throws -> Void)? = filtered ? filterSystemCalls : nil
        // systemd has services ignore it (systemd.exec(5), `IgnoreSIGPIPE=`): shells could not end what nobody reads.
        _ = signal(SIGPIPE, SIG_DFL)
        do {
            try ProgramStart.execute(arguments, environment: environment, confine: confine)
        } catch {
            let status = (error as? ProgramFailure)?.status ?? ExitStatus.cannotExecute
            fail("\(error)", isCommand ? ExitStatus.failure : status)
        }
    }

    /// Does a step that ends this process when it fails.
    private func perform(_ step: () throws -> Void) {
        do {
            try step()
        } catch {
            fail("\(error)", (error as? ProgramFailure)?.status ?? ExitStatus.error)
        }
    }

    private func fail(_ message: String, _ status: Int32) -> Never {
        // Where standard error is thrown away, or for somebody else, this is not.
        if case .main = program, app.error != .journal, complaints >= 0 { dup2(complaints, 2) }
        fputs("Error: \(message)\n", stderr)
        exit(status)
    }
}
