// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import LinuxPlatform
import Stage0
import Testing

struct Stage1InterfaceTests {
    private func interface(_ annotations: KeyValuePairs<ACIdentifier, String>) throws -> Stage1Interface {
        try Stage1Interface(
            ImageManifest(
                name: "example.com/stage1",
                annotations: Annotations(annotations.map { Annotation(name: $0.key, value: $0.value) })))
    }

    private func arguments(version: String?) throws -> [String] {
        var request = RunArguments(uuid: try PodUUID(parsing: "0d3a1e2c-1111-4222-8333-444455556666"))
        request.isDebug = true
        request.isInteractive = true
        request.hostname = "box"
        request.insecure = .allRun
        let interface = try interface(version.map { ["coreos.com/rkt/stage1/interface-version": $0] } ?? [:])
        return interface.runArguments(request)
    }

    private let common = ["--debug", "--net=none", "--interactive", "--local-config=/etc/rkt"]
    private let third = ["--disable-capabilities-restriction", "--disable-paths", "--disable-seccomp"]
    private let fourth = ["--dns-conf-mode=resolv=default,hosts=default"]
    private let uuid = ["0d3a1e2c-1111-4222-8333-444455556666"]

    @Test func eachVersionAddsItsArguments() throws {
        #expect(try arguments(version: nil) == common + uuid)
        #expect(try arguments(version: "2") == common + ["--hostname=box"] + uuid)
        #expect(try arguments(version: "3") == common + ["--hostname=box"] + third + uuid)
        #expect(try arguments(version: "4") == common + ["--hostname=box"] + third + fourth + uuid)
        #expect(try arguments(version: "5") == common + ["--hostname=box"] + third + fourth + uuid)
    }

    @Test func whatIsNotAskedForIsNotPassed() throws {
        let uuid = PodUUID()
        let interface = try interface(["coreos.com/rkt/stage1/interface-version": "5"])
        #expect(
            interface.runArguments(RunArguments(uuid: uuid)) == [
                "--net=none", "--local-config=/etc/rkt", "--dns-conf-mode=resolv=default,hosts=default",
                uuid.description,
            ])
    }

    @Test func usersOfAPodAreToldWhereItHasAny() throws {
        var request = RunArguments(uuid: PodUUID())
        let interface = try interface(["coreos.com/rkt/stage1/private-users": "true"])
        #expect(interface.takesUsers)
        #expect(!interface.runArguments(request).contains { $0.hasPrefix("--private-users") })
        request.users = UserRange(first: 655_360)
        #expect(interface.runArguments(request).contains("--private-users=655360:65536"))
    }

    @Test(arguments: [
        ("coreos.com/rkt/stage1-coreos", "coreos.com/rkt/stage1-nspawn"),
        ("coreos.com/rkt/stage1-coreos:1.30.0", "coreos.com/rkt/stage1-nspawn:1.30.0"),
        ("coreos.com/rkt/stage1-coreos,os=linux", "coreos.com/rkt/stage1-nspawn,os=linux"),
        ("coreos.com/rkt/stage1-coreos2", "coreos.com/rkt/stage1-coreos2"), ("", ""),
    ])
    func anOldNameStandsForTheNewOne(name: String, today: String) {
        #expect(Stage1Alias.resolve(name) == today)
    }

    @Test func nameFilesArePassedToThoseThatKnowThem() throws {
        var request = RunArguments(uuid: PodUUID())
        request.nameFiles = "resolv=host,hosts=stage0"
        let third = try interface(["coreos.com/rkt/stage1/interface-version": "3"])
        let fourth = try interface(["coreos.com/rkt/stage1/interface-version": "4"])
        #expect(!third.takesNameFiles)
        #expect(!third.runArguments(request).contains { $0.hasPrefix("--dns-conf-mode") })
        #expect(fourth.runArguments(request).contains("--dns-conf-mode=resolv=host,hosts=stage0"))
    }

    @Test(arguments: [(1, true, true), (2, false, true), (3, false, true), (4, false, false)])
    func whatRunCannotBeToldIsRefused(version: Int, refusesHostname: Bool, refusesNames: Bool) throws {
        let interface = try interface(["coreos.com/rkt/stage1/interface-version": "\(version)"])
        var named = RunOptions()
        named.hostname = "box"
        var resolving = RunOptions()
        resolving.names.servers = ["192.0.2.7"]
        for (options, isRefused, flag) in [(named, refusesHostname, "--hostname"), (resolving, refusesNames, "--dns")] {
            guard isRefused else {
                try interface.check(options)
                continue
            }
            let error = #expect(throws: RuntimeError.self) { try interface.check(options) }
            #expect(error?.code == .unsupported)
            for word in ["example.com/stage1", "too old", flag] { #expect(error?.message.contains(word) == true) }
        }
        try interface.check(RunOptions())
    }

    @Test func restrictionsThatStayAreWarnedOf() throws {
        let second = try interface(["coreos.com/rkt/stage1/interface-version": "2"])
        for (options, words) in [(.all, "capabilities,paths,seccomp"), ([.image, .paths], "paths")]
            as [(InsecureOptions, String)]
        {
            let warning = try #require(second.warning(of: options))
            #expect(warning.hasPrefix("--insecure-options=\(words) does nothing: stage1 image \"example.com/stage1\""))
        }
        #expect(second.warning(of: .allFetch) == nil)
        let third = try interface(["coreos.com/rkt/stage1/interface-version": "3"])
        #expect(third.warning(of: .all) == nil)
    }

    @Test func annotationsTellOfAKernelOfItsOwnAndOfSockets() throws {
        #expect(try interface(["coreos.com/rkt/stage1/own-kernel": "true"]).hasOwnKernel)
        #expect(try !interface([:]).hasOwnKernel)
        #expect(try interface(["coreos.com/rkt/stage1/socket-activation": "true"]).takesSockets)
        #expect(try !interface([:]).takesSockets)
    }

    /// Arguments can be read by every user of the host: who reads the file is not told.
    @Test func theTokenOfThePodIsToldToImagesThatDoNotReadTheFile() throws {
        var request = RunArguments(uuid: PodUUID())
        request.metadataToken = "00112233445566778899aabbccddeeff"
        let argument = "--mds-token=00112233445566778899aabbccddeeff"
        #expect(try interface([:]).runArguments(request).contains(argument))
        let reader = try interface(["coreos.com/rkt/stage1/metadata-file": "true"])
        #expect(!reader.runArguments(request).contains(argument))
    }

    @Test func aPodIsRegisteredWhenItsAddressesAreKnownBeforeItRuns() throws {
        var options = RunOptions()
        options.registersWithMetadata = true
        let error = #expect(throws: RuntimeError.self) { try interface([:]).check(options) }
        #expect(error?.message.contains("has no preflight entrypoint") == true)
        try interface(["coreos.com/rkt/stage1/preflight": "/preflight"]).check(options)
        try interface(["coreos.com/rkt/stage1/host-network": "true"]).check(options)
        options.networks = ["host"]
        try interface([:]).check(options)
    }

    @Test func annotationsTellOfTheHostsNetworkAndOfAppsWithoutASupervisor() throws {
        let fly = try interface(["coreos.com/rkt/stage1/host-network": "true", "coreos.com/rkt/stage1/direct": "true"])
        #expect(fly.isOnHostNetwork && fly.isDirect)
        let other = try interface(["coreos.com/rkt/stage1/host-network": "false"])
        #expect(!other.isOnHostNetwork && !other.isDirect)
    }

    @Test func theOtherEntrypointsGetTheirs() throws {
        let uuid = PodUUID()
        let first = try interface([:])
        let fifth = try interface(["coreos.com/rkt/stage1/interface-version": "5"])
        #expect(
            first.enterArguments(pid: 7, app: "a", command: ["/bin/ls", "-l"]) == [
                "--pid=7", "--appname=a", "--", "/bin/ls", "-l",
            ])
        #expect(first.stopArguments(force: false, uuid: uuid) == [uuid.description])
        #expect(first.stopArguments(force: true, uuid: uuid) == ["--force", uuid.description])
        #expect(
            first.collectArguments(isDebug: true, localConfiguration: "/c", uuid: uuid) == [
                "--debug", uuid.description,
            ])
        #expect(
            fifth.collectArguments(isDebug: false, localConfiguration: "/c", uuid: uuid) == [
                "--local-config=/c", uuid.description,
            ])
    }

    @Test func entrypointsAreFoundByAnnotation() throws {
        let interface = try interface(["coreos.com/rkt/stage1/run": "/ex/run", "coreos.com/rkt/stage1/gc": "gc"])
        #expect(interface.path(.run) == "ex/run")
        #expect(interface.path(.gc) == "gc")
        #expect(interface.path(.stop) == nil)
        #expect(try interface.runPath() == "ex/run")
    }

    @Test func anImageWithoutARunEntrypointIsNamed() throws {
        let interface = try interface(["coreos.com/rkt/stage1/gc": "gc"])
        let error = #expect(throws: RuntimeError.self) { try interface.runPath() }
        #expect(error?.code == .unsupported)
        for word in ["example.com/stage1", "coreos.com/rkt/stage1/run"] {
            #expect(error?.message.contains(word) == true)
        }
    }

    @Test(arguments: [
        ("run", "/../bin/sh"), ("run", "/"), ("interface-version", "new"), ("interface-version", "0"),
        ("interface-version", "6"),
    ])
    func malformedAnnotationsAreRefused(name: String, value: String) throws {
        let key = try ACIdentifier(parsing: "coreos.com/rkt/stage1/\(name)")
        let error = #expect(throws: RuntimeError.self) { try interface([key: value]) }
        #expect(error?.message.contains(value) == true)
    }

    @Test func podsCanBeChangedWithAllFourEntrypointsOrNotAtAll() throws {
        let all: KeyValuePairs<ACIdentifier, String> = [
            "coreos.com/rkt/stage1/app/add": "/a", "coreos.com/rkt/stage1/app/start": "/b",
            "coreos.com/rkt/stage1/app/stop": "/c", "coreos.com/rkt/stage1/app/rm": "/d",
        ]
        let mutable = try interface(all)
        try mutable.checkMutable()
        let half = try interface(["coreos.com/rkt/stage1/app/add": "/a", "coreos.com/rkt/stage1/app/rm": "/d"])
        let error = #expect(throws: RuntimeError.self) { try half.checkMutable() }
        #expect(error?.message.contains("coreos.com/rkt/stage1/app/start") == true)

        var request = RunArguments(uuid: PodUUID())
        #expect(!mutable.runArguments(request).contains("--mutable"))
        request.isMutable = true
        #expect(mutable.runArguments(request).contains("--mutable"))
        let users = UserRange(first: 655_360)
        #expect(
            mutable.addArguments(app: "a", uuid: request.uuid, isDebug: true, insecure: [.paths], users: users) == [
                "--app=a", "--uuid=\(request.uuid)", "--debug", "--disable-paths", "--private-users=655360:65536",
            ])
        #expect(mutable.appArguments(app: "a", isDebug: false) == ["--app=a"])
        #expect(
            mutable.crossingVariables(enter: "/x", pid: 7, app: nil) == [
                "RKT_STAGE1_ENTERCMD=/x", "RKT_STAGE1_ENTERPID=7",
            ])
    }
}
