// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import CLinuxShims
import Diagnostics
import Synchronization
import SystemPackage

/// How a process ended.
package enum ProcessExit: Equatable, Sendable, CustomStringConvertible {
    case exited(Int32)
    case signalled(Int32)

    /// The exit status, or 128 plus the signal's number.
    package var status: Int32 {
        switch self {
        case .exited(let status): status
        case .signalled(let signal): 128 + signal
        }
    }

    package var description: String {
        switch self {
        case .exited(let status): "exit status \(status)"
        case .signalled(let signal): "signal \(signal)"
        }
    }
}

/// A program to start, and what holds for it before it runs.
package struct SpawnRequest: Sendable {
    /// Absolute path; there is no search.
    package var path: FilePath
    /// Arguments from argv[0] on.
    package var arguments: [String]
    /// `NAME=value` each.
    package var environment: [String]
    /// Element N becomes descriptor N, -1 leaves it closed; all others are closed.
    package var descriptors: [Int32]
    /// Root directory (chroot(2)).
    package var root: FilePath?
    package var directory: FilePath?
    /// Start a session; descriptor 0 becomes its controlling terminal if it is one.
    package var newSession: Bool
    /// Run in a private copy of the mount namespace.
    package var privateMounts: Bool
    /// Directories that the program sees read-only, with all that is mounted below them; takes private mounts.
    package var readOnlyPaths: [FilePath]
    package var credentials: Credentials?
    /// Be the first process of a new PID namespace (pid_namespaces(7)), all of which ends with it; takes private mounts.
    package var privateProcesses = false
    /// The control groups that the program runs in, as their directories.
    package var controlGroups: [FilePath] = []
    /// Where the network namespace is mounted that the program runs in; nil for that of this process.
    package var networkNamespace: FilePath?
    /// What it may have at most.
    package var limits: [ResourceLimit] = []
    /// Signal the child gets when this thread ends (prctl(2), PR_SET_PDEATHSIG); 0 for none.
    package var parentDeathSignal: Int32
    /// Nil for that of this process, or what the policy says of the program.
    package var label: ProcessLabel?

    package struct Credentials: Sendable, Equatable {
        package var uid: UInt32
        package var gid: UInt32
        package var groups: [UInt32]
        /// Bit N is capability N of capabilities(7): what the program has although its user is not root.
        package var capabilities: UInt64
        package init(uid: UInt32, gid: UInt32, groups: [UInt32] = [], capabilities: UInt64 = 0) {
            self.uid = uid
            self.gid = gid
            self.groups = groups
            self.capabilities = capabilities
        }
    }

    package init(
        path: FilePath, arguments: [String], environment: [String] = [], descriptors: [Int32] = [0, 1, 2],
        root: FilePath? = nil, directory: FilePath? = nil, newSession: Bool = false, privateMounts: Bool = false,
        readOnlyPaths: [FilePath] = [], credentials: Credentials? = nil, parentDeathSignal: Int32 = 0
    ) {
        self.path = path
        self.arguments = arguments
        self.environment = environment
        self.descriptors = descriptors
        self.root = root
        self.directory = directory
        self.newSession = newSession
        self.privateMounts = privateMounts
        self.readOnlyPaths = readOnlyPaths
        self.credentials = credentials
        self.parentDeathSignal = parentDeathSignal
    }
}

/// A process started by this one. It remembers how it ended, so that it can be asked again.
package final class ChildProcess: Sendable {
    package let pid: Int32
    /// Readable for poll(2) once the process has ended (pidfd_open(2), Linux 5.3).
    package let pidfd: FileDescriptor

    /// A process known by its number; it need not be a child, and then its end can be awaited but not its status.
    ///
    /// - Throws: code `notFound` when there is no such process.
    package convenience init(pid: Int32) throws {
        self.init(pid: pid, pidfd: FileDescriptor(rawValue: try check(rkt_pidfd_open(pid), "pidfd_open")))
    }

    private init(pid: Int32, pidfd: FileDescriptor) {
        self.pid = pid
        self.pidfd = pidfd
    }

    private let exit = Mutex<ProcessExit?>(nil)

    private static let steps = [
        "fork", "set up the descriptors of", "start a session for", "make a mount namespace for", "change the root of",
        "change to the directory of", "set the user of", "bind to its parent", "execute", "make a read-only mount for",
        "join the control groups of", "join the network namespace of", "set the limits of", "set the context of",
    ]

    package static func spawn(_ request: SpawnRequest) throws -> ChildProcess {
        var pidfd: CInt = -1
        var step: CInt = 0
        let path = strdup(request.path.string)
        let root = request.root.map { strdup($0.string) }
        let directory = request.directory.map { strdup($0.string) }
        let readOnly = CStringArray(request.readOnlyPaths.map(\.string))
        let arguments = CStringArray(request.arguments)
        let environment = CStringArray(request.environment)
        defer {
            free(path)
            root.map { free($0) }
            directory.map { free($0) }
        }
        let groupList: [UInt32] = request.credentials?.groups ?? []
        var groupFiles: [FileDescriptor] = []
        defer { for file in groupFiles { try? file.close() } }
        for group in request.controlGroups {
            let path = group.appending("cgroup.procs")
            do {
                groupFiles.append(try FileDescriptor.open(path, .writeOnly, options: .closeOnExec))
            } catch let error as Errno {
                throw RuntimeError.systemCall("open", path, error)
            }
        }
        let groupNumbers = groupFiles.map(\.rawValue)
        let network = try request.networkNamespace.map { try NetworkNamespace.open($0) }
        defer { try? network?.close() }
        let label = request.label.map { (strdup($0.context), strdup($0.file.string)) }
        defer {
            label.map { free($0.0) }
            label.map { free($0.1) }
        }
        let limits = request.limits.map { rkt_spawn_limit(resource: $0.resource.number, value: $0.value) }
        // SAFETY: every pointer stored in the request lives until rkt_spawn has returned.
        let pid: Int32 = request.descriptors.withUnsafeBufferPointer { descriptors in
            withThree(groupList, groupNumbers, limits) { groups, files, limits in
                var spawn = rkt_spawn_request()
                spawn.path = UnsafePointer(path)
                spawn.argv = UnsafePointer(arguments.pointer)
                spawn.envp = UnsafePointer(environment.pointer)
                spawn.descriptors = descriptors.baseAddress
                spawn.descriptor_count = CInt(descriptors.count)
                spawn.root = root.flatMap { UnsafePointer($0) }
                spawn.directory = directory.flatMap { UnsafePointer($0) }
                spawn.new_session = request.newSession ? 1 : 0
                spawn.private_mounts = request.privateMounts ? 1 : 0
                spawn.private_processes = request.privateProcesses ? 1 : 0
                spawn.group_files = files.baseAddress
                spawn.group_file_count = CInt(files.count)
                spawn.network_namespace = network?.rawValue ?? 0
                spawn.read_only = UnsafePointer(readOnly.pointer)
                spawn.set_user = request.credentials == nil ? 0 : 1
                spawn.uid = request.credentials?.uid ?? 0
                spawn.gid = request.credentials?.gid ?? 0
                spawn.groups = groups.baseAddress
                spawn.group_count = CInt(groups.count)
                spawn.capabilities = request.credentials?.capabilities ?? 0
                spawn.limits = limits.baseAddress
                spawn.limit_count = CInt(limits.count)
                spawn.label = label.flatMap { UnsafePointer($0.0) }
                spawn.label_file = label.flatMap { UnsafePointer($0.1) }
                spawn.parent_death_signal = request.parentDeathSignal
                return rkt_spawn(&spawn, &pidfd, &step)
            }
        }
        guard pid > 0 else {
            if let error = request.label?.failure(request.path, step: step, Errno(rawValue: -pid)) { throw error }
            let what = steps.indices.contains(Int(step)) ? steps[Int(step)] : "start"
            throw RuntimeError.systemCall("\(what)", request.path, Errno(rawValue: -pid))
        }
        return ChildProcess(pid: pid, pidfd: FileDescriptor(rawValue: pidfd))
    }

    private static func withThree<Result>(
        _ first: [UInt32], _ second: [Int32], _ third: [rkt_spawn_limit],
        _ body: (
            UnsafeBufferPointer<UInt32>, UnsafeBufferPointer<Int32>, UnsafeBufferPointer<rkt_spawn_limit>
        ) -> Result
    ) -> Result {
        first.withUnsafeBufferPointer { first in
            second.withUnsafeBufferPointer { second in third.withUnsafeBufferPointer { body(first, second, $0) } }
        }
    }

    /// Waits for the end of the process.
    package func wait() throws -> ProcessExit {
        guard let exit = try wait(noHang: false) else {
            throw RuntimeError(.internal, "process \(pid) did not report its end")
        }
        return exit
    }

    /// How it ended, or nil while it runs.
    package func poll() throws -> ProcessExit? { try wait(noHang: true) }

    private func wait(noHang: Bool) throws -> ProcessExit? {
        if let exit = exit.withLock({ $0 }) { return exit }
        var code: CInt = 0
        var status: CInt = 0
        let ended: CInt = try check(rkt_pidfd_wait(pidfd.rawValue, noHang ? 1 : 0, &code, &status), "waitid")
        guard ended == 1 else { return nil }
        let end: ProcessExit = code == RKT_CLD_EXITED ? .exited(status) : .signalled(status)
        exit.withLock { $0 = end }
        return end
    }

    /// Sends a signal; a process that has ended already is fine.
    package func signal(_ number: Int32) throws {
        let result = rkt_pidfd_send_signal(pidfd.rawValue, number)
        if result != -ESRCH { try check(result, "pidfd_send_signal") }
    }

    /// Closes the pidfd; the process itself is not touched.
    package func close() { try? pidfd.close() }
}

/// A NULL-terminated array of C strings, as execve(2) takes it.
package final class CStringArray {
    package let pointer: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
    private let count: Int

    package init(_ strings: [String]) {
        count = strings.count
        pointer = .allocate(capacity: count + 1)
        for (index, string) in strings.enumerated() { (pointer + index).initialize(to: strdup(string)) }
        (pointer + count).initialize(to: nil)
    }

    deinit {
        for index in 0..<count { free(pointer[index]) }
        pointer.deallocate()
    }
}
