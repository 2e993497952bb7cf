// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import AppContainer
import Diagnostics
import GuestProtocol
import HostConfiguration
import Hypervisor
import LinuxPlatform
import Networking
import PodJournal
import PodStore
import SystemPackage

/// The multi-call program of a stage1 image: the name it is called by is the entrypoint.
///
/// The working directory is the pod's directory, as the implementor's guide says.
package struct Stage1Program {
    private let backend: (String?, BackendChoice) throws -> any Hypervisor
    let pod: PodLayout
    private let origin = Clock.microseconds
    /// What systemd has said to this process.
    let unitVariables = UnitNotifier.Variables.take()

    /// Names the backend, in the stage1 image's manifest.
    static let backendAnnotation = "coreos.com/rkt/stage1/hypervisor"

    /// - Parameter backend: the one with the name that the stage1 image gives, nil being what most images mean, or
    ///   another that the configuration has chosen.
    package init(backend: @escaping (String?, BackendChoice) throws -> any Hypervisor) throws {
        self.backend = backend
        guard let directory = getcwd(nil, 0) else { throw RuntimeError.systemCall("getcwd", nil, lastErrno) }
        defer { free(directory) }
        pod = PodLayout(directory: FilePath(String(cString: directory)))
    }

    /// Runs the entrypoint; errors are one line on standard error.
    ///
    /// - Parameter survey: what backends say of this host.
    package static func main(
        _ arguments: [String], backend: @escaping (String?, BackendChoice) throws -> any Hypervisor,
        survey: (String?, BackendChoice, SurveyRequest) throws -> [BackendSurvey]
    ) -> Never {
        do {
            if FilePath(arguments.first ?? "").lastComponent == "survey" {
                // There is no pod.
                try answer(survey)
                exit(ExitStatus.success)
            }
            let program = try Stage1Program(backend: backend)
            let name = FilePath(arguments.first ?? "").lastComponent?.string ?? ""
            exit(try program.run(entrypoint: name, Array(arguments.dropFirst())))
        } catch {
            // The app's program is not what stage1 is blamed for.
            let failure = error as? ProgramFailure
            let entrypoint = FilePath(arguments.first ?? "").lastComponent?.string
            let component =
                entrypoint == "attach"
                ? "attach" : failure != nil ? "Error" : error is NetworkingFailure ? "networking" : "stage1"
            fputs("\(component): \(PrintableText.lines("\(error)").joined(separator: "\n    "))\n", stderr)
            exit(entrypoint == "enter" ? ExitStatus.failure : failure?.status ?? ExitStatus.error)
        }
    }

    private static func answer(_ survey: (String?, BackendChoice, SurveyRequest) throws -> [BackendSurvey]) throws {
        let question = try HostSurvey(
            parsing: FileSystem.read(.standardInput, "standard input", limit: HostSurvey.questionLimit))
        let answer = HostSurvey.answer(try survey(question.backend, question.choice, question.request))
        try FileSystem.writeAll(Array((answer.encoded() + "\n").utf8), to: .standardOutput)
    }

    private func run(entrypoint: String, _ arguments: [String]) throws -> Int32 {
        switch entrypoint {
        case "run":
            return try EndRecord.keeping(in: pod) {
                let arguments = try EntrypointArguments(parsing: arguments)
                let hypervisor = try hypervisor()
                if let direct = hypervisor as? any DirectHypervisor { try becomeApp(arguments, direct) }
                return try supervise(arguments, hypervisor)
            }
        case "preflight":
            // Last, as it alone changes the host: `run` or `gc` take it from here.
            let arguments = try EntrypointArguments(parsing: arguments)
            let hypervisor = try hypervisor()
            _ = try preflight(arguments, hypervisor)
            if hypervisor.acceptedAttachments != [.host] {
                try MachineNetworks.prepare(
                    pod, PodUUID(parsing: arguments.uuid), for: consumer(hypervisor), ErrorStream())
            }
            return ExitStatus.success
        case "plan":
            let hypervisor = try hypervisor()
            let plan = try preflight(EntrypointArguments(parsing: arguments), hypervisor)
            let hasOwnKernel = hypervisor.capabilities.contains(.ownKernel)
            let accelerator = hasOwnKernel ? try AcceleratorFacts.probe().choose(plan.machine.accelerator) : nil
            let preview = MachinePreview(
                plan, backend: hypervisor.kind, accelerator: accelerator,
                isolation: try hypervisor.isolation(of: plan.machine),
                networks: try ResolvedNetworks(reading: pod.networks))
            try FileSystem.writeAll(Array((preview.json.encoded() + "\n").utf8), to: .standardOutput)
            return ExitStatus.success
        case "enter":
            let request = try EnterClient.Arguments(parsing: arguments)
            if let direct = try knownHypervisor() as? any DirectHypervisor { try enterApp(request, direct) }
            var client = try EnterClient(socketPath: pod.agentSocket)
            return try client.run(request)
        case "attach": return try attach(AttachArguments(parsing: arguments))
        case "stop":
            let force = arguments.contains("--force")
            let request = StopRequest(pod: pod)
            let isDirect = try knownHypervisor() is any DirectHypervisor
            try isDirect ? request.signalApp(force: force) : request.send(force: force)
            return ExitStatus.success
        case "gc":
            // What a killed supervisor has left; the pod's directory is stage0's to remove.
            let arguments = try EntrypointArguments(parsing: arguments)
            MachineListing.collect(pod)
            try (knownHypervisor() as? any MachineCollector)?.collect(
                MachineRemains(name: PodPlan.machineName(arguments.uuid), workingDirectory: pod.directory))
            try MachineNetworks.collect(
                pod, PodUUID(parsing: arguments.uuid), ErrorStream(), isDebug: arguments.debug)
            return ExitStatus.success
        case "app-add", "app-start", "app-stop", "app-rm":
            try changeApp(entrypoint, arguments)
            return ExitStatus.success
        default:
            throw RuntimeError(.invalidArgument, "\(entrypoint) is not an entrypoint of this stage1")
        }
    }

    /// The backend of the pod. Entrypoints that start nothing do not ask for it: they work when its program is gone.
    private func hypervisor() throws -> any Hypervisor {
        let configured = try HypervisorConfiguration(pod: pod.hypervisorConfiguration)
        let choice = try BackendChoice(
            configured.backend, binary: configured.binary, programs: installedPrograms())
        return try backend(backendName(), choice)
    }

    /// The backend of a pod that has been started. Its programs are not needed to end a pod, to enter it or to undo
    /// changes to the host.
    ///
    /// - Returns: nil for a backend that cannot be had: it has not started anything.
    func knownHypervisor() throws -> (any Hypervisor)? {
        let configured = try? HypervisorConfiguration(pod: pod.hypervisorConfiguration)
        let name = try backendName()
        return try? backend(name, BackendChoice(configured?.backend))
    }

    /// Where the programs are that were installed with the rkt that starts the pod, if it says so.
    private func installedPrograms() throws -> FilePath? {
        guard FileSystem.exists(pod.programs) else { return nil }
        let text = try FileSystem.readText(pod.programs, limit: 4096)
        return FilePath(String(text.prefix { $0 != "\n" }))
    }

    /// The name that the stage1 image gives.
    private func backendName() throws -> String? {
        try ImageManifest(parsing: FileSystem.read(pod.stage1Manifest)).annotation(Self.backendAnnotation)
    }

    private func consumer(_ hypervisor: any Hypervisor) -> PodNetworks.Consumer {
        hypervisor.capabilities.contains(.ownKernel) ? .virtualMachine : .container
    }

    /// Finds out whether the pod can be started.
    private func preflight(_ arguments: EntrypointArguments, _ hypervisor: any Hypervisor) throws -> PodPlan {
        // The program that has called the entrypoint becomes the supervisor.
        let plan = try plan(arguments, hypervisor, supervisor: getppid())
        try plan.volumes.makeExports()
        try plan.volumes.checkOwners()
        try hypervisor.preflight(plan.machine)
        return plan
    }

    /// Users from here on belong to nobody, on hosts that keep to the ranges of systemd's "Users, Groups, UIDs and GIDs".
    /// With the supervisor's process number added no two machines that run at a time share one.
    private static let firstMachineUser: UInt32 = 0x7000_0000

    func plan(
        _ arguments: EntrypointArguments, _ hypervisor: any Hypervisor, _ networks: MachineNetworks? = nil,
        supervisor: Int32 = getpid()
    ) throws -> PodPlan {
        if hypervisor is any DirectHypervisor { try requireOneApp(hypervisor) }
        return try PodPlan(
            pod: pod, arguments: arguments, capabilities: hypervisor.capabilities,
            interfaces: networks?.interfaces ?? [], namespace: networks?.namespace, names: networks?.names,
            inherited: lock.map { [$0] } ?? [],
            extraKernelParameters: ProcessImage.variable("RKT_HYPERVISOR_EXTRA_KERNEL_PARAMS"),
            hostProcessors: Processors.usable,
            hostMemory: (sysconf(Int32(_SC_PHYS_PAGES)) >> 10) * (sysconf(Int32(_SC_PAGESIZE)) >> 10),
            controllers: hypervisor.capabilities.contains(.ownKernel)
                ? nil : try ControlGroups.controllersBelow(supervisor),
            machineUser: geteuid() == 0 ? Self.firstMachineUser + UInt32(getpid()) : nil,
            memoryLimit: ControlGroups.memoryLimitOfCaller(), watchdog: unitVariables.watchdog)
    }

    private func supervise(_ arguments: EntrypointArguments, _ hypervisor: any Hypervisor) throws -> Int32 {
        signal(SIGPIPE, SIG_IGN)
        let signals = try SignalDescriptor(
            [SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGWINCH, MachineSignal.halt, MachineSignal.powerOff])
        let errors = ErrorStream()
        let manager = UnitNotifier(unitVariables) { errors.notice("stage1: warning: \($0)") }
        manager.starting()
        let uuid = try PodUUID(parsing: arguments.uuid)
        let networks: MachineNetworks
        do {
            networks = try MachineNetworks(pod, uuid, for: consumer(hypervisor), errors)
        } catch {
            MachineNetworks.unregister(pod, uuid, errors)
            throw error
        }
        defer { networks.leave(errors, isDebug: arguments.debug) }
        defer { networks.unregister(pod, uuid, errors) }
        let forwarder = try networks.forwardSockets(errors)
        defer { forwarder?.stop() }
        return try supervise(arguments, hypervisor, networks, signals, errors, manager)
    }

    private func supervise(
        _ arguments: EntrypointArguments, _ hypervisor: any Hypervisor, _ networks: MachineNetworks,
        _ signals: SignalDescriptor, _ errors: ErrorStream, _ manager: UnitNotifier
    ) throws -> Int32 {
        let plan = try plan(arguments, hypervisor, networks)
        for warning in plan.warnings { errors.notice("stage1: warning: \(warning)") }
        for directory in [pod.statuses, pod.exitCauses, pod.environments] { try FileSystem.makeDirectories(directory) }
        try plan.volumes.make()
        for app in plan.configuration.apps { try writeEnvironment(of: app) }
        // Only root may hold sessions.
        let listener = try UnixSocket.listen(pod.agentSocket, mode: 0o600)
        try UnixSocket.setNonBlocking(listener)
        // From here on `stop` and `enter` find the pod: signals wait until the machine runs, clients until its agent does.
        try FileSystem.writeAtomically(Array("\(getpid())\n".utf8), to: pod.pidFile)
        let (machine, record) = try launch(plan, hypervisor, errors, debug: arguments.debug)
        networks.letGo()
        var options = Supervisor.Options()
        options.debug = arguments.debug
        options.journal = journalOptions(plan.configuration.machineID, errors)
        options.escape = hypervisor.capabilities.contains(.ownKernel) ? .controlA : .controlBracket
        options.listing = MachineListing(
            pod, plan.machine, hasOwnKernel: hypervisor.capabilities.contains(.ownKernel))
        if !hypervisor.capabilities.contains(.ownKernel) { options.record = record }
        options.label = record.statement.labels?.process
        options.interactiveApp = arguments.interactive ? plan.configuration.apps.first?.name : nil
        if let time = Self.milliseconds("RKT_HYPERVISOR_BOOT_TIMEOUT") { options.bootPatience = time }
        if let time = Self.milliseconds("RKT_HYPERVISOR_STOP_TIMEOUT") { options.stopPatience = time }
        let supervisor = Supervisor(
            pod: pod, configuration: plan.configuration, machine: machine, listener: listener, signals: signals,
            errors: errors, options: options, origin: origin)
        supervisor.manager = manager
        let status = try supervisor.run()
        try supervisor.report()
        return status
    }

    /// A variable of this process that tells a time in seconds, at most a day.
    private static func milliseconds(_ variable: String) -> Int? {
        guard let seconds = ProcessImage.variable(variable).flatMap({ Int($0) }), seconds > 0 else { return nil }
        return min(seconds, 86_400) * 1000
    }

    /// For whoever looks at the pod from the host: `NAME=value` each, ended by a zero byte as in proc(5).
    func writeEnvironment(of app: PodConfiguration.App) throws {
        let text = app.environment.map { $0 + "\0" }.joined()
        try FileSystem.write(text.utf8, to: pod.environment(app.name), mode: 0o600)
    }

    /// journalctl finds the pod where the host has a journal directory and a program that makes journald's files.
    private func journalOptions(_ machineID: String, _ errors: ErrorStream) -> JournalSink.Options {
        var options = JournalSink.Options()
        options.lock = lock
        guard FileSystem.exists(Self.journalConverter) else { return options }
        options.converter = Self.journalConverter
        do {
            try JournalPlace.make(in: pod, machineID: machineID)
        } catch {
            errors.notice("stage1: warning: the pod's journal is not shown below its root: \(error)")
        }
        do {
            _ = try JournalLink(machineID: machineID).make(to: pod.journal)
        } catch {
            errors.notice("stage1: warning: \"journalctl -m\" will not show the pod: \(error)")
        }
        return options
    }

    private static let journalConverter: FilePath = "/lib/systemd/systemd-journal-remote"

    private var lock: FileDescriptor? {
        ProcessImage.variable("RKT_LOCK_FD").flatMap { Int32($0) }.map { FileDescriptor(rawValue: $0) }
    }

    private func launch(
        _ pod: PodPlan, _ hypervisor: any Hypervisor, _ errors: ErrorStream, debug: Bool
    ) throws -> (any SupervisedMachine, MachineRecord) {
        let spec = pod.machine
        guard let launcher = hypervisor as? any MachineHypervisor else {
            throw RuntimeError(.internal, "the backend \(hypervisor.kind) makes no machines")
        }
        let (measurement, measured) = try measure(spec, hypervisor, errors)
        let started = try launcher.start(spec) { plan in
            if debug { for line in PrintableText.lines("stage1: \(plan)") { errors.notice(line) } }
        }
        guard let machine = started as? any SupervisedMachine else {
            started.release()
            throw RuntimeError(.internal, "the backend \(hypervisor.kind) makes no machines with an agent")
        }
        let accelerator = (machine as? any VirtualMachine)?.accelerator
        if let reason = accelerator?.fallbackReason {
            errors.notice("stage1: warning: the pod's machine is emulated: \(reason)")
        }
        let level = try hypervisor.isolation(of: spec)
        var record = MachineRecord(
            backend: hypervisor.kind, version: machine.hypervisorVersion, accelerator: accelerator,
            isolation: level, memory: spec.memory, processors: spec.processors,
            isolators: pod.isolators
        )
        do {
            record.statement = try look(at: machine, pod, hypervisor, level, measured)
            record.statement.measurement = measurement
            record.statement.labels = spec.labels.map {
                ($0.process(accelerator?.accelerator).description, $0.file.description)
            }
            try record.write(to: self.pod.machineRecord)
        } catch {
            machine.release()
            throw error
        }
        return (machine, record)
    }
}
