// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import ImageFetch
import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

struct ImageReferenceTests {
    @Test(arguments: [
        ("sha512-0123", ImageReference.hash("sha512-0123")), ("/no/such/image", .file("/no/such/image")),
        ("./image", .file("./image")), ("app.aci", .file("app.aci")), ("file:///x/app", .file("/x/app")),
        ("file:/x/app", .file("/x/app")), ("FILE:///x/app", .file("/x/app")),
        ("https://example.com/app.aci", .url("https://example.com/app.aci")),
        ("http://example.com", .url("http://example.com")),
        ("docker://busybox", .docker("busybox")), ("docker:///redis", .docker("redis")),
        ("docker://quay.io/a/b:1", .docker("quay.io/a/b:1")),
        ("oci:/no/layout", .layout("/no/layout", reference: nil)),
        ("oci:layout:v1.0", .layout("layout", reference: "v1.0")),
        ("oci:/a:b/layout", .layout("/a:b/layout", reference: nil)),
        ("example.com/app:1.0", .name("example.com/app:1.0")),
        ("example.com/app,os=linux", .name("example.com/app,os=linux")),
    ])
    func argumentsAreInterpretedInOrder(argument: String, reference: ImageReference) throws {
        #expect(try ImageReference(interpreting: argument) == reference)
    }

    @Test func anExistingFileNeedsNoExtension() throws {
        let scratch = try ScratchDirectory()
        let path = scratch.appending("image")
        try FileSystem.write("x".utf8, to: path)
        #expect(try ImageReference(interpreting: path.string) == .file(path))
    }

    @Test func aLayoutMayHaveAColonInItsPath() throws {
        let scratch = try ScratchDirectory()
        let path = scratch.appending("app:1")
        try FileSystem.makeDirectory(path)
        #expect(try ImageReference(interpreting: "oci:\(path)") == .layout(path, reference: nil))
        #expect(try ImageReference(interpreting: "oci:\(path):2") == .layout(path, reference: "2"))
    }

    @Test(arguments: [
        "", "ftp://example.com/app.aci", "https://", "https:///app", "docker://", "file://", "oci:",
        "https://example.com/a b", "https://example.com/a\r\nHost: x", "https://user:password@example.com/a",
    ])
    func whatCannotBeAnImageIsRefused(argument: String) {
        #expect(throws: RuntimeError.self) { try ImageReference(interpreting: argument) }
    }
}

struct DistributionPointTests {
    @Test(arguments: [
        "cimd:appc:v=0:coreos.com/etcd?version=v3.0.3&os=linux&arch=amd64", "cimd:appc:v=0:coreos.com/etcd",
        "cimd:appc:v=0:example.com/a?version=1%2B2+3&channel=a%26b",
        "cimd:aci-archive:v=0:file%3A%2F%2Fabsolute%2Fpath%2Fto%2Ffile",
        "cimd:aci-archive:v=0:https%3A%2F%2Fexample.com%2Fapp.aci", "cimd:docker:v=0:busybox",
        "cimd:docker:v=0:busybox:latest",
        "cimd:docker:v=0:registry-1.docker.io/library/busybox@sha256:"
            + "a59906e33509d14c036c8678d687bd4eec81ed7c4b8ce907b888c607f6a1e0e6",
        "cimd:oci-image-layout:v=0:file%3A%2F%2Fabsolute%2Fpath%2Fto%2Ffile?ref=refname",
        "cimd:oci-image-layout:v=0:https%3A%2F%2Fdir%2F?ref=refname",
        "cimd:oci-image-layout:v=0:file%3A%2F%2Fdir",
    ])
    func uriReadsBackAsItWasWritten(text: String) throws {
        let point = try DistributionPoint(parsing: text)
        #expect(point.description == text)
        #expect(try DistributionPoint(parsing: point.canonical) == point)
    }

    @Test(arguments: [
        ("cimd:appc:v=0:a.org/a?os=linux&version=1", "cimd:appc:v=0:a.org/a?version=1&os=linux"),
        ("cimd:docker:v=0:busybox", "cimd:docker:v=0:docker.io/library/busybox:latest"),
        ("cimd:docker:v=0:busybox", "cimd:docker:v=0:registry-1.docker.io/library/busybox"),
        ("cimd:docker:v=0:quay.io/a/b", "cimd:docker:v=0:quay.io/a/b:latest"),
        ("cimd:aci-archive:v=0:https%3a%2f%2fa.org%2Fapp", "cimd:aci-archive:v=0:https%3A%2F%2Fa.org%2Fapp"),
    ])
    func pointsThatSayTheSameAreEqual(first: String, second: String) throws {
        #expect(try DistributionPoint(parsing: first) == DistributionPoint(parsing: second))
    }

    @Test(arguments: [
        ("cimd:docker:v=0:busybox", "cimd:docker:v=0:quay.io/library/busybox"),
        ("cimd:docker:v=0:busybox", "cimd:docker:v=0:busybox:1"),
        ("cimd:docker:v=0:localhost:5000/a", "cimd:docker:v=0:a"),
        ("cimd:appc:v=0:a.org/a", "cimd:appc:v=0:a.org/a?version=1"),
    ])
    func pointsThatSayAnotherThingDiffer(first: String, second: String) throws {
        #expect(try DistributionPoint(parsing: first) != DistributionPoint(parsing: second))
    }

    @Test(arguments: [
        "", "cimd", "http://a.org", "cimd:appc:v=0:", "cimd:appc:v=1:a.org/a", "cimd:appc:0:a.org/a",
        "cimd:appc:v=-1:a.org/a", "cimd:rpm:v=0:x", "cimd:appc:v=0:A B", "cimd:appc:v=0:a.org/a?os=%4",
        "cimd:appc:v=0:a.org/a?os=linux&os=linux", "cimd:appc:v=0:a.org/a?name=b",
        "cimd:aci-archive:v=0:app.aci", "cimd:aci-archive:v=0:https%3A%2F%2Fa%FF",
        "cimd:oci-image-layout:v=0:file%3A%2F%2Fdir?x=y",
    ])
    func whatIsNoPointIsRefused(text: String) {
        #expect(throws: ScalarError.self) { try DistributionPoint(parsing: text) }
    }

    @Test(arguments: [
        ("/a/../b.aci", "cimd:aci-archive:v=0:file%3A%2F%2F%2Fb.aci"),
        ("./b.aci", "cimd:aci-archive:v=0:file%3A%2F%2F%2Fhome%2Fb.aci"),
        ("https://a.org/b", "cimd:aci-archive:v=0:https%3A%2F%2Fa.org%2Fb"),
        ("docker://b", "cimd:docker:v=0:b"), ("a.org/b:1", "cimd:appc:v=0:a.org/b?version=1"),
        ("oci:dir:1", "cimd:oci-image-layout:v=0:file%3A%2F%2F%2Fhome%2Fdir?ref=1"),
    ])
    func argumentsAreDistributionPoints(argument: String, uri: String) throws {
        let point = try DistributionPoint(ImageReference(interpreting: argument), in: "/home")
        #expect(point?.description == uri)
    }

    @Test func anIDIsNoPlace() throws {
        #expect(try DistributionPoint(.hash("sha512-00")) == nil)
    }
}
