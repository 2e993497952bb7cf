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

    /// Statuses of systemd.exec(5) for a step that failed before the program ran.
    private enum Status {
        static let directory: Int32 = 200
        static let group: Int32 = 216
        static let user: Int32 = 217
        static let capabilities: Int32 = 218
        static let systemCalls: Int32 = 228
        static let root: Int32 = 210
    }

    let app: PodConfiguration.App
    let program: Program
    /// Where to say why the program cannot be started; it is closed once the program is.
    private let complaints: CInt

    init(app name: String, program: Program) throws {
        app = try PodConfiguration.App(decoding: FileSystem.read(GuestLayout.app(name)))
        self.program = program
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
            if app.hasTerminal { takeTerminal() }
            discardStreams()
        }
        if case .command = program {
            guard chroot(app.root) == 0, chdir("/") == 0 else {
                fail("Unable to change to the root of app \(app.name): \(lastErrno.text)", Status.root)
            }
            execute(arguments)
        }
        enterRoot()
        enterWorkingDirectory()
        restrictCapabilities()
        if case .main = program { becomeUser() }
        if app.noNewPrivileges, rkt_set_no_new_privileges() < 0 {
            fail("Unable to set no-new-privileges", Status.capabilities)
        }
        // The last step: the filter may forbid what the steps before it need.
        execute(arguments, filtered: true)
    }

    private func discardStreams() {
        guard app.discardsOutput || app.discardsErrors else { return }
        let null = open("/dev/null", O_WRONLY | O_CLOEXEC)
        guard null >= 0 else { fail("Unable to open /dev/null: \(lastErrno.text)", Status.root) }
        if app.discardsOutput { dup2(null, 1) }
        if app.discardsErrors { dup2(null, 2) }
    }

    /// The agent holds the other end of the terminal that it passes here.
    private func takeTerminal() {
        do {
            let terminal = try AgentClient.requestTerminal(app: app.name)
            _ = setsid()
            guard ioctl(terminal.rawValue, UInt(TIOCSCTTY), 0) == 0 else {
                throw RuntimeError.systemCall("ioctl TIOCSCTTY", nil, lastErrno)
            }
            for descriptor: CInt in 0...2 { dup2(terminal.rawValue, descriptor) }
        } catch {
            fail("Unable to get a terminal: \(error)", Status.root)
        }
    }

    /// Leaves nothing of the guest to find: its mounts are gone from the app's namespace, not only out of sight.
    private func enterRoot() {
        do {
            try Mount.leaveNamespace()
            guard chdir(app.root) == 0 else { throw RuntimeError.systemCall("chdir", FilePath(app.root), lastErrno) }
            // The old root comes to lie over the new one (pivot_root(2)).
            try check(rkt_pivot_root(".", "."), "pivot_root", FilePath(app.root))
            try Mount.unmount(".", detach: true)
            guard chdir("/") == 0 else { throw RuntimeError.systemCall("chdir", "/", lastErrno) }
        } catch {
            fail("Unable to change to the root of app \(app.name): \(error)", Status.root)
        }
    }

    private func enterWorkingDirectory() {
        guard chdir(app.workingDirectory) == 0 else {
            fail(
                "Unable to change to working directory \"\(app.workingDirectory)\": \(lastErrno.text)", Status.directory
            )
        }
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
        guard setgroups(app.supplementaryGIDs.count, app.supplementaryGIDs) == 0,
            setgid(app.gid) == 0
        else { fail("Unable to change to group \(app.gid): \(lastErrno.text)", Status.group) }
        guard setuid(app.uid) == 0 else {
            fail("Unable to change to user \(app.uid): \(lastErrno.text)", Status.user)
        }
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

    /// As execvp(3), with the PATH of the app's environment.
    ///
    /// - Parameter filtered: whether the app's system call filter holds from now on. What fails after that may end by a
    ///   signal without a word, so files are looked for before.
    private func execute(_ arguments: [String], filtered: Bool = false) -> Never {
        guard let command = arguments.first, !command.isEmpty else {
            fail("App \(app.name) has nothing to execute", ExitStatus.cannotExecute)
        }
        var environment = app.environment
        if case .command = program, let type = ProcessImage.variable("TERM") {
            environment.removeAll { $0.hasPrefix("TERM=") }
            environment.append("TERM=\(type)")
        }
        let search = ExecutableSearch(environment: environment)
        var denied: String?
        var candidates = search.candidates(for: command)
        if filtered, let found = candidates.firstIndex(where: { search.canExecute($0) }) {
            candidates = [candidates[found]]
            filterSystemCalls()
        }
        for candidate in candidates {
            do {
                try ProcessImage.execute(FilePath(candidate), arguments: arguments, environment: environment)
            } catch {
                if access(candidate, F_OK) == 0 {
                    denied = denied ?? search.explain(candidate, error)
                }
            }
        }
        let status = if case .command = program { ExitStatus.failure } else { ExitStatus.cannotExecute }
        fail(denied ?? "Unable to open \"\(command)\": No such file or directory", status)
    }

    private func fail(_ message: String, _ status: Int32) -> Never {
        // Where standard error is thrown away, this is not.
        if app.discardsErrors, complaints >= 0 { dup2(complaints, 2) }
        fputs("Error: \(message)\n", stderr)
        exit(status)
    }
}

/// Where a command without a slash may be, and why a file that is there does not run.
struct ExecutableSearch {
    static let defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    let environment: [String]

    func candidates(for command: String) -> [String] {
        if command.contains("/") { return [command] }
        let path = environment.last { $0.hasPrefix("PATH=") }?.dropFirst(5) ?? Self.defaultPath[...]
        return path.split(separator: ":", omittingEmptySubsequences: false).map {
            $0.isEmpty ? command : "\($0)/\(command)"
        }
    }

    /// Whether the file is there, may be executed by this process's user, and has its interpreter.
    func canExecute(_ file: String) -> Bool {
        guard access(file, X_OK) == 0, (try? FileSystem.status(FilePath(file)).type) != .directory else { return false }
        return Interpreter.of(FilePath(file)).map { access($0, F_OK) == 0 } ?? true
    }

    /// A file that exists fails with ENOENT when its interpreter is missing: name that one.
    func explain(_ file: String, _ error: any Error) -> String {
        if let interpreter = Interpreter.of(FilePath(file)), access(interpreter, F_OK) != 0 {
            return "Unable to open \"\(interpreter)\": No such file or directory"
        }
        return "Unable to execute \"\(file)\": \(error)"
    }
}
