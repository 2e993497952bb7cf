// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import GuestProtocol
import LinuxPlatform
import Networking
import TestSupport
import Testing

/// Who says what the apps find at /etc/resolv.conf: the pod's networks, or a volume.
struct NameFileTests {
    private static let volume = #"{"name":"names","kind":"empty"}"#
    private static let resolver = "/etc/resolv.conf"

    private func pod(_ path: String, links: [(String, String)] = []) throws -> PlannedPod {
        try PlannedPod(
            volumes: [Self.volume], mounts: [("names", path)],
            points: [#"{"name":"names","path":"\#(path)"}"#], links: links)
    }

    private var names: NetworkResult.DNS {
        get throws {
            var names = NetworkResult.DNS()
            names.nameservers = [try #require(IPAddress("10.88.0.53"))]
            names.search = ["example.com", "example.org"]
            return names
        }
    }

    @Test(arguments: [(resolver, []), ("/run/names", [("etc/resolv.conf", "/run/names")])])
    func whatNetworksSayCountsMoreThanAVolume(path: String, links: [(String, String)]) throws {
        let plan = try pod(path, links: links).plan(names: names)
        #expect(plan.configuration.apps[0].mounts.map(\.target) == [])
        #expect(plan.configuration.sharedFiles.map(\.path) == [Self.resolver])
        #expect(
            plan.configuration.sharedFiles.map { String(decoding: $0.contents, as: UTF8.self) }
                == ["search example.com example.org\nnameserver 10.88.0.53\n"])
    }

    @Test func otherVolumesStay() throws {
        let plan = try pod("/etc/names").plan(names: names)
        #expect(plan.configuration.apps[0].mounts.map(\.target) == ["/etc/names"])
    }

    @Test func withoutSuchWordsTheVolumeIsThere() throws {
        let plan = try pod(Self.resolver).plan()
        #expect(plan.configuration.apps[0].mounts.map(\.target) == [Self.resolver])
        #expect(plan.configuration.sharedFiles.isEmpty)
        // Nor are they heard by a pod that is told to have its images' files.
        let told = try pod(Self.resolver).plan(["--dns-conf-mode=resolv=none"], names: names)
        #expect(told.configuration.apps[0].mounts.map(\.target) == [Self.resolver])
        #expect(told.configuration.sharedFiles.isEmpty)
    }
}
