// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import GuestProtocol
import LinuxPlatform
import PodStore
import Stage1
import SystemPackage
import Testing

struct VolumePlanTests {
    private static let empty = ["x", "y"].map { #"{"name":"\#($0)","kind":"empty"}"# }

    @Test(arguments: ["/data", "/data/", "//data", "/srv/../data"])
    func aMountPointIsReadOnlyHoweverItsPathIsWritten(path: String) throws {
        let pod = try PlannedPod(
            volumes: Self.empty, mounts: [("x", "/data"), ("y", "/free")],
            points: [#"{"name":"p","path":"\#(path)","readOnly":true}"#])
        #expect(try pod.plan().configuration.apps[0].mounts.map(\.readOnly) == [true, false])
    }

    @Test(
        arguments: [
            ("/run", "/var/run/x", "inside volume \"x\" at /run"),
            ("/var/run/x", "/run", "inside volume \"y\" at /run"),
            ("/run/x", "/var/run/x", "the same place"), ("/whole", "/other", "over its whole root"),
        ])
    func volumesThatLinksLeadToOneAnotherAreRefused(first: String, second: String, reason: String) throws {
        let pod = try PlannedPod(
            volumes: Self.empty, mounts: [("x", first), ("y", second)],
            links: [("var/run", "/run"), ("whole", "var/..")])
        let error = #expect(throws: RuntimeError.self) { try pod.plan() }
        #expect(error?.message.contains(reason) == true, "\(String(describing: error))")
        #expect(error?.message.contains("the image's links lead to") == true)
    }

    @Test func oneVolumeAtOnePlaceIsMountedOnce() throws {
        let pod = try PlannedPod(
            volumes: Self.empty, mounts: [("x", "/run/x"), ("x", "/var/run/x"), ("y", "/run/y")],
            links: [("var/run", "../run")])
        #expect(try pod.plan().configuration.apps[0].mounts.map(\.target) == ["/run/x", "/run/y"])
    }

    @Test func aResolverThatIsAskedForGoesBeforeAVolumeWhereItsLinkLeads() throws {
        let pod = try PlannedPod(
            volumes: Self.empty, mounts: [("x", "/run/stub.conf"), ("y", "/y")],
            links: [("etc/resolv.conf", "../run/stub.conf")])
        try FileSystem.makeDirectories(pod.layout.stage1Resolver.removingLastComponent())
        try FileSystem.write("nameserver 192.0.2.1\n".utf8, to: pod.layout.stage1Resolver)
        let plan = try pod.plan(["--dns-conf-mode=resolv=stage0,hosts=default"])
        #expect(plan.configuration.apps[0].mounts.map(\.target) == ["/y"])
        #expect(plan.warnings == ["app a gets the pod's /etc/resolv.conf in place of a volume's"])
        #expect(try pod.plan().configuration.apps[0].mounts.map(\.target) == ["/run/stub.conf", "/y"])
    }
}
