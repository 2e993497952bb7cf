// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Hypervisor
import LinuxPlatform
import MetadataRegistration
import Stage1
import SystemPackage
import Testing

/// Pods in which nothing runs but their app.
struct DirectPlanTests {
    private func plan(_ pod: PlannedPod, _ arguments: String...) throws -> PodPlan {
        try pod.plan(arguments, capabilities: [.hostNetwork, .preservesExitStatus])
    }

    private func program(_ plan: PodPlan) throws -> AppProgram {
        guard case .direct(let program) = plan.machine.kernel else {
            throw RuntimeError(.internal, "the machine is more than its app")
        }
        return program
    }

    @Test func theAppIsTheWholeMachine() throws {
        let pod = try PlannedPod()
        let plan = try plan(pod, "--net=host")
        let program = try program(plan)
        #expect(program.arguments == ["/a"])
        #expect(program.environment.contains("AC_APP_NAME=a"))
        #expect(program.user == ProgramUser())
        #expect(program.workingDirectory == "/")
        #expect(plan.machine.root == .directory(pod.layout.appRootfs("a")))
        #expect(plan.machine.network == .host)
        #expect(plan.warnings == [])
    }

    @Test func theAppFindsTheMetadataServiceWhenThePodIsRegistered() throws {
        let pod = try PlannedPod(environment: [("AC_METADATA_URL", "http://forged/"), ("COLOR", "green")])
        func variables() throws -> [String] {
            try program(plan(pod, "--net=host")).environment.filter { $0.hasPrefix("AC_METADATA_URL=") }
        }
        #expect(try variables() == [])
        #expect(try program(plan(pod, "--net=host")).environment.contains("COLOR=green"))
        try PodMetadata().write(to: pod.layout.metadata)
        #expect(try variables() == [])
        try PodMetadata(url: "http://127.0.0.1:18112/t").write(to: pod.layout.metadata)
        #expect(try variables() == ["AC_METADATA_URL=http://127.0.0.1:18112/t"])
    }

    @Test func itIsNotStartedWithLessIsolationThanIsConfigured() throws {
        let pod = try PlannedPod()
        let configuration = #"{"rktKind":"hypervisor","rktVersion":"v1","minimumIsolation":"container"}"#
        try FileSystem.write(configuration.utf8, to: pod.layout.hypervisorConfiguration)
        #expect(try plan(pod).machine.minimumIsolation == .container)
    }

    @Test func volumesAreBoundIntoItsRootAndNotWhatIsMountedBelowThem() throws {
        let pod = try PlannedPod(
            volumes: [
                #"{"name":"x","kind":"host","source":"/usr"}"#,
                #"{"name":"y","kind":"host","source":"/usr","recursive":true,"readOnly":true}"#,
                #"{"name":"z","kind":"empty"}"#, #"{"name":"f","kind":"host","source":"/dev/null"}"#,
            ],
            mounts: [("f", "/file"), ("x", "/x"), ("y", "/link/y"), ("z", "/z")], links: [("link", "/real")])
        let empty = pod.layout.apps.appending(".volumes").appending("3-z")
        #expect(
            try plan(pod).machine.shares == [
                .bind(source: "/usr", target: "/x", isRecursive: false, readOnly: false),
                .bind(source: "/usr", target: "/real/y", isRecursive: true, readOnly: true),
                .bind(source: empty, target: "/z", isRecursive: false, readOnly: false),
                // Between directories and files: an image without a hosts file gets one.
                .bind(source: pod.layout.sharedFile(0), target: "/etc/hosts", isRecursive: false, readOnly: false),
                .bind(source: "/dev/null", target: "/file", isRecursive: false, readOnly: false),
            ])
    }

    @Test(arguments: ["/etc", "/etc/hosts"])
    func aHostsFileIsTheVolumesMatter(target: String) throws {
        let pod = try PlannedPod(
            volumes: [#"{"name":"e","kind":"host","source":"/etc"}"#], mounts: [("e", target)])
        #expect(try plan(pod).machine.shares.map(\.tag) == [target])
    }

    @Test func aResolverIsBoundWhenOneIsAskedFor() throws {
        let pod = try PlannedPod()
        try FileSystem.makeDirectories(pod.layout.stage1Resolver.removingLastComponent())
        try FileSystem.write("nameserver 192.0.2.1\n".utf8, to: pod.layout.stage1Resolver)
        let plan = try plan(pod, "--dns-conf-mode=resolv=stage0,hosts=default")
        #expect(plan.machine.shares.map(\.tag) == ["/etc/resolv.conf", "/etc/hosts"])
        #expect(plan.configuration.sharedFiles.first?.contents == Array("nameserver 192.0.2.1\n".utf8))
    }

    @Test func isolatorsAreToldToDoNothingExceptTheOneThatHolds() throws {
        let pod = try PlannedPod(isolators: [
            #"{"name":"resource/memory","value":{"limit":"64Mi"}}"#, #"{"name":"resource/cpu","value":{"limit":"1"}}"#,
            #"{"name":"os/linux/capabilities-retain-set","value":{"set":["CAP_KILL"]}}"#,
            #"{"name":"os/linux/seccomp-remove-set","value":{"set":["mkdir"]}}"#,
            #"{"name":"os/linux/no-new-privileges","value":true}"#,
        ])
        let plan = try plan(pod)
        let names = [
            "resource/memory", "resource/cpu", "os/linux/capabilities-retain-set", "os/linux/seccomp-remove-set",
        ]
        #expect(plan.warnings == names.map { "isolator \($0) of app a is not enforced" })
        #expect(try program(plan).noNewPrivileges)
        let switchedOff = try self.plan(pod, "--disable-seccomp", "--disable-capabilities-restriction")
        #expect(switchedOff.warnings.count == 2)
    }

    @Test func whatTakesNamespacesOfItsOwnIsToldToDoNothing() throws {
        #expect(
            try plan(PlannedPod(), "--hostname=box").warnings == ["the pod has the host's name, and not box"])
    }

    @Test func anAppThatSaysWhenItIsReadyFindsTheHostsSocket() throws {
        let machine = try plan(try PlannedPod()).machine
        let path: FilePath = "/run/systemd/notify"
        let told = machine.notifying(.init(socket: path.string, watchdog: 9), process: 7)
        guard case .direct(let program) = told.kernel else {
            Issue.record("the machine is more than its app")
            return
        }
        #expect(program.environment.suffix(3) == ["NOTIFY_SOCKET=\(path)", "WATCHDOG_PID=7", "WATCHDOG_USEC=9"])
        #expect(told.shares.last == .bind(source: path, target: path, isRecursive: false, readOnly: false))
        #expect(machine.notifying(.init()) == machine)
        // An abstract socket is there anyway, and in a volume nothing is mounted.
        #expect(machine.notifying(.init(socket: "@notify")).shares == machine.shares)
        let pod = try PlannedPod(
            volumes: [#"{"name":"x","kind":"host","source":"/run"}"#], mounts: [("x", "/run")])
        let volume = try plan(pod).machine
        #expect(volume.notifying(.init(socket: path.string)).shares == volume.shares)
    }
}
