// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import LinuxPlatform
import Networking
import SystemPackage
import TestSupport
import Testing

struct NetworkCatalogTests {
    private let scratch: ScratchDirectory

    init() throws { scratch = try ScratchDirectory() }

    private var system: FilePath { scratch.appending("system") }
    private var local: FilePath { scratch.appending("local") }

    private func write(_ directory: FilePath, _ file: String, _ name: String, type: String = "ptp") throws {
        try FileSystem.makeDirectories(directory)
        try FileSystem.write(#"{"name":"\#(name)","type":"\#(type)"}"#.utf8, to: directory.appending(file))
    }

    private func catalog() throws -> NetworkCatalog { try NetworkCatalog(reading: [system, local]) }

    private func names(_ values: String...) throws -> [String] {
        try catalog().select(NetworkSelection(parsing: values)).map(\.name)
    }

    @Test func withoutFilesThereAreTheBuiltInNetworks() throws {
        let networks = try catalog().networks
        #expect(networks.map(\.name) == ["default", "default-restricted"])
        #expect(networks.map(\.masquerades) == [true, false])
        let text = String(decoding: networks[0].document, as: UTF8.self)
        #expect(text.contains("\"172.16.28.0/24\""))
        #expect(text.contains("\"0.0.0.0/0\""))
        #expect(String(decoding: networks[1].document, as: UTF8.self).contains("\"172.31.0.0/16\""))
    }

    @Test func networksAreLoadedInTheOrderOfTheirFilesAndTheBuiltInLast() throws {
        try write(local, "20-a.conf", "a")
        try write(system, "30-b.conf", "b")
        try write(local, "10-c.conf", "c")
        try write(local, "ignored.json", "d")
        try write(local, ".#10-c.conf", "e")
        #expect(try catalog().networks.map(\.name) == ["c", "a", "b", "default", "default-restricted"])
        #expect(try names("default,b,c") == ["c", "b", "default"])
        #expect(try names("all") == ["c", "a", "b"])
        #expect(try names("all,default") == ["c", "a", "b", "default"])
        #expect(try names() == ["default"])
    }

    @Test func aLaterDirectoryOverridesByName() throws {
        try write(system, "10-a.conf", "a", type: "bridge")
        try write(local, "50-a.conf", "a", type: "macvlan")
        try write(local, "20-own.conf", "default", type: "bridge")
        let networks = try catalog().networks
        #expect(networks.map(\.name) == ["default", "a", "default-restricted"])
        #expect(networks.map(\.plugins[0].type) == ["bridge", "macvlan", "ptp"])
        #expect(networks[0].file == local.appending("20-own.conf"))
    }

    @Test func argumentsGoWithTheirNetwork() throws {
        try write(local, "10-a.conf", "a")
        let selected = try catalog().select(
            NetworkSelection(parsing: ["all,default:IP=172.16.28.9", "a:IP=fd00::5;X=Y"]))
        #expect(selected.map(\.arguments) == ["IP=fd00::5;X=Y", "IP=172.16.28.9"])
        #expect(selected[0].argument("X") == "Y")
    }

    @Test func anUnknownNetworkIsNamedWithTheDirectories() throws {
        try write(local, "10-a.conf", "a")
        let error = #expect(throws: RuntimeError.self) { try names("a,nowhere,default,gone") }
        #expect(error?.code == .notFound)
        #expect(error?.message.hasPrefix("failed to setup network: networks not found: nowhere, gone") == true)
        #expect(error?.message.contains(local.string) == true)
        #expect(error?.message.contains(system.string) == true)
    }

    @Test func allOfNoNetworksIsRefused() {
        let error = #expect(throws: RuntimeError.self) { try names("all") }
        #expect(error?.message.contains("no network is configured") == true)
    }

    @Test func oneNameInTwoFilesOfADirectoryIsRefused() throws {
        try write(local, "10-a.conf", "a")
        try write(local, "20-a.conf", "a")
        let error = #expect(throws: RuntimeError.self) { try catalog() }
        #expect(error?.message.contains("20-a.conf") == true)
        #expect(error?.message.contains("10-a.conf") == true)
    }

    /// It might be the one that overrides a network that is asked for.
    @Test func aFileThatCannotBeUnderstoodIsAnErrorForEveryNetwork() throws {
        try write(local, "10-a.conf", "a")
        try FileSystem.write("{".utf8, to: local.appending("broken.conf"))
        let error = #expect(throws: RuntimeError.self) { try names("a") }
        #expect(error?.message.contains("broken.conf") == true)
        // Without networks nothing is read.
        _ = try ResolvedNetworks(
            NetworkSelection(parsing: ["none"]), directories: [local], localConfiguration: "/etc/rkt")
    }

    @Test func whatIsResolvedIsReadAgainByteForByte() throws {
        try write(local, "10-a.conf", "a")
        let text = "{ \"name\" : \"ü\\u0031\",\n\t\"type\":\"x\" }\n"
        try FileSystem.write(text.replacing("ü", with: "u").utf8, to: local.appending("20-u.conf"))
        let resolved = try ResolvedNetworks(
            NetworkSelection(parsing: ["u1,a:IP=10.0.0.9"]), directories: [system, local],
            localConfiguration: "/somewhere")
        #expect(
            resolved.pluginPaths == [
                "/somewhere/net.d", "/usr/lib/rkt/plugins/net", "stage1/rootfs/usr/lib/rkt/plugins/net", "/usr/lib/cni",
            ])
        let file = scratch.appending("networks")
        try resolved.write(to: file)
        #expect(try ResolvedNetworks(reading: file) == resolved)
        #expect(
            try ResolvedNetworks(reading: file).networks[1].configuration.document
                == Array(text.replacing("ü", with: "u").utf8))
        #expect(try FileSystem.status(file).mode & 0o777 == 0o600)
    }
}
