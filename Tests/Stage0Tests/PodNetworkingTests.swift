// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import LinuxPlatform
import Stage0
import SystemPackage
import TestSupport
import Testing

struct PodNetworkingTests {
    private let scratch: ScratchDirectory

    init() throws { scratch = try ScratchDirectory() }

    private func networking(_ values: String...) throws -> PodNetworking {
        var options = RunOptions()
        options.networks = values
        return try PodNetworking(
            options,
            Settings(
                systemConfiguration: scratch.appending("system"), localConfiguration: scratch.appending("local"),
                userConfiguration: scratch.appending("user")))
    }

    private func write(_ place: String, _ file: String, _ text: String) throws {
        let directory = scratch.appending(place).appending("net.d")
        try FileSystem.makeDirectories(directory)
        try FileSystem.write(text.utf8, to: directory.appending(file))
    }

    @Test func theDirectoriesOfTheSystemTheHostAndTheUserCount() throws {
        try write("system", "10-a.conf", #"{"name":"a","type":"one"}"#)
        try write("local", "10-a.conf", #"{"name":"a","type":"two"}"#)
        try write("local", "20-b.conf", #"{"name":"b","type":"two"}"#)
        try write("user", "20-b.conf", #"{"name":"b","type":"three"}"#)
        let resolved = try networking("b,a").resolved
        #expect(resolved.networks.map(\.name) == ["a", "b"])
        #expect(resolved.networks.map { $0.configuration.plugins[0].type } == ["two", "three"])
        #expect(resolved.pluginPaths.first == scratch.appending("local").appending("net.d").string)
        #expect(resolved.pluginPaths.last == "/usr/lib/cni")
    }

    @Test func anUnknownNetworkIsToldWithAllDirectories() {
        let error = #expect(throws: RuntimeError.self) { try networking("nowhere") }
        #expect(error?.message.hasPrefix("failed to setup network: networks not found: nowhere") == true)
        for place in ["system", "local", "user"] {
            #expect(error?.message.contains("\(scratch.path)/\(place)/net.d") == true)
        }
    }

    /// Without asking any file of networks: an app may be what makes them.
    @Test(
        arguments: [
            (["default"], nil), (["host"], nil), (["none"], "none"), (["nowhere"], "nowhere"),
            (["default:IP=172.16.28.9"], "default:IP=172.16.28.9"),
        ] as [([String], String?)])
    func podsOnTheHostsNetworkHaveNoOther(values: [String], ignored: String?) throws {
        try write("local", "10-default.conf", "broken")
        let stage1 = try Stage1Interface(
            ImageManifest(
                name: "example.com/stage1",
                annotations: Annotations([Annotation(name: "coreos.com/rkt/stage1/host-network", value: "true")])))
        var options = RunOptions()
        options.networks = values
        let networking = try PodNetworking(
            options, Settings(localConfiguration: scratch.appending("local")), for: stage1)
        #expect(networking.selection == .host)
        #expect(networking.resolved.usesHostNetwork)
        #expect(networking.ignored?.text == ignored)
    }

    @Test func aPodWithAKernelOfItsOwnHasNoHostNetwork() throws {
        func stage1(_ annotations: [Annotation]) throws -> Stage1Interface {
            try Stage1Interface(
                ImageManifest(name: "example.com/stage1", annotations: Annotations(annotations)))
        }
        let machine = try stage1([Annotation(name: "coreos.com/rkt/stage1/own-kernel", value: "true")])
        let error = #expect(throws: RuntimeError.self) { try networking("host").check(machine) }
        #expect(error?.code == .unsupported)
        try networking("none").check(machine)
        try networking("default").check(machine)
        try networking("host").check(stage1([]))
    }
}

/// With a stage1 image whose entrypoints are shell scripts.
@Suite(.requiresRoot)
struct PodNetworkingRunTests {
    @Test(.timeLimit(.minutes(5))) func stage1FindsTheNetworksInThePodDirectory() async throws {
        let scratch = try ScratchDirectory()
        let host = try FakeHost(in: scratch)
        defer { host.cleanUp(scratch) }
        let path = scratch.path.string
        await #expect(processExitsWith: .exitCode(7)) { [path = path as String] in
            let host = FakeHost(path)
            var options = host.runOptions
            options.networks = ["default-restricted", "default:IP=172.16.28.9"]
            try host.runtime.run(host.request, options)
        }
        let observed = try host.observed("run.observed")
        #expect(observed["args"]?.hasPrefix("--net=default-restricted,default:IP=172.16.28.9 ") == true)
        let directory = try FilePath(#require(observed["cwd"]))
        let document = try JSONValue(parsing: FileSystem.read(directory.appending("networks")))
        #expect(document["networks"]?.array?.map { $0["name"]?.string } == ["default", "default-restricted"])
        #expect(document["networks"]?[0]?["args"]?.string == "IP=172.16.28.9")
        #expect(document["pluginPaths"]?[0]?.string == "/etc/rkt-test/net.d")
    }
}
