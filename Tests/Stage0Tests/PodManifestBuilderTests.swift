// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import Stage0
import Testing

struct PodManifestBuilderTests {
    private let id: ImageID

    init() throws {
        id = try ImageID(parsing: "sha512-" + String(repeating: "ab", count: 32))
    }

    private func image(
        _ name: ACIdentifier = "example.com/team/hello",
        app: App? = App(exec: ["/hello", "--image"], user: "www", group: "www"),
        os: String? = "linux", arch: String? = Platform.architecture
    ) -> ImageManifest {
        var labels: Labels = [Label(name: "version", value: "1.2")]
        if let os { labels.set("os", os) }
        if let arch { labels.set("arch", arch) }
        return ImageManifest(name: name, labels: labels, app: app)
    }

    private func build(_ requests: [AppRequest], _ images: [ImageManifest]) throws -> PodManifest {
        var request = PodRequest()
        request.apps = requests
        return try build(request, images)
    }

    private func build(_ request: PodRequest, _ images: [ImageManifest]) throws -> PodManifest {
        try PodManifestBuilder(request).build(images.map { (id: id, manifest: $0) }, Notices(isDebug: false))
    }

    private func app(_ request: AppRequest, _ image: ImageManifest? = nil) throws -> App {
        try #require(try build([request], [image ?? self.image()]).apps.first?.app)
    }

    @Test func anImageIsAnAppNamedAfterIt() throws {
        let manifest = try build([AppRequest(image: "x")], [image()])
        let app = try #require(manifest.apps.first)
        #expect(app.name == "hello")
        #expect(app.image.id == id)
        #expect(app.image.name == "example.com/team/hello")
        #expect(app.image.labels["version"] == "1.2")
        #expect(app.app?.exec == ["/hello", "--image"])
        #expect(manifest.acVersion.string == Version.current)
        #expect(manifest.annotation("coreos.com/rkt/stage1/mutable") == "false")
        // What is written can be read again.
        #expect(try PodManifest(parsing: Array(manifest.encoded(pretty: false).utf8)).apps == manifest.apps)
    }

    @Test func argumentsFollowTheCommandOfTheImageOrTheUser() throws {
        var request = AppRequest(image: "x")
        request.arguments = ["a b", "$c"]
        #expect(try app(request).exec == ["/hello", "--image", "a b", "$c"])
        request.exec = "/bin/sh"
        #expect(try app(request).exec == ["/bin/sh", "a b", "$c"])
    }

    @Test func overridesAreIndependent() throws {
        var request = AppRequest(image: "x")
        request.name = "other"
        request.user = "1000"
        request.supplementaryGIDs = "5,6"
        request.workingDirectory = "/tmp"
        request.readOnlyRootfs = true
        request.environment = ["A=1"]
        request.annotations = ["example.com/note=x"]
        request.userAnnotations = ["Free Text=y=z"]
        request.userLabels = ["l=v"]
        let built = try #require(try build([request], [image()]).apps.first)
        #expect(built.name == "other")
        #expect(built.readOnlyRootFS)
        #expect(built.annotations["example.com/note"] == "x")
        let app = try #require(built.app)
        #expect(app.user == "1000")
        #expect(app.group == "www")
        #expect(app.supplementaryGIDs == [5, 6])
        #expect(app.workingDirectory == "/tmp")
        #expect(app.environment["A"] == "1")
        #expect(app.userAnnotations == ["Free Text": "y=z"])
        #expect(app.userLabels == ["l": "v"])
    }

    @Test func podAnnotationsComeFromTheRequest() throws {
        var request = PodRequest()
        request.apps = [AppRequest(image: "x")]
        request.annotations = ["example.com/a=1"]
        request.userAnnotations = ["b=2"]
        request.userLabels = ["c=3"]
        let manifest = try build(request, [image()])
        #expect(manifest.annotation("example.com/a") == "1")
        #expect(manifest.userAnnotations == ["b": "2"])
        #expect(manifest.userLabels == ["c": "3"])
    }

    @Test func portsLeadToPortsOfApps() throws {
        var request = PodRequest()
        request.apps = [AppRequest(image: "x")]
        request.ports = ["http:127.0.0.1:8080", "http:[::1]:8081"]
        let own = App(exec: ["/x"], ports: [Port(name: "http", protocol: "tcp", port: 80)])
        let ports = try build(request, [image(app: own)]).ports
        #expect(
            ports == [
                ExposedPort(name: "http", hostPort: 8080, hostIP: "127.0.0.1"),
                ExposedPort(name: "http", hostPort: 8081, hostIP: "::1"),
            ])
    }

    @Test(
        arguments: [
            (["https:80"], "port name \"https\" could not be found in any apps"), (["http:0"], "\"http:0\""),
            (["http:80", "http:0.0.0.0:80"], "port 80/tcp of the host"), (["many:65535"], "end beyond 65535"),
            (["http"], "NAME:HOSTPORT"), (["http:example.com:80"], "is not an IP address"),
        ] as [([String], String)])
    func portsThatLeadNowhereAreRefused(ports: [String], reason: String) throws {
        var request = PodRequest()
        request.apps = [AppRequest(image: "x")]
        request.ports = ports
        let own = App(
            exec: ["/x"],
            ports: [
                Port(name: "http", protocol: "tcp", port: 80), Port(name: "many", protocol: "udp", port: 1, count: 9),
            ])
        let error = #expect(throws: RuntimeError.self) { try build(request, [image(app: own)]) }
        #expect(error?.code == .invalidArgument)
        #expect(error?.message.hasPrefix("--port=") == true)
        #expect(error?.description.contains(reason) == true)
    }

    @Test func streamsAreAnnotationsOfTheApp() throws {
        var request = AppRequest(image: "x")
        request.stdout = "null"
        request.stderr = "log"
        let built = try #require(try build([request], [image()]).apps.first)
        #expect(built.annotations["coreos.com/rkt/stage2/stdout"] == "null")
        #expect(built.annotations["coreos.com/rkt/stage2/stderr"] == "log")
        #expect(built.annotations["coreos.com/rkt/stage2/stdin"] == nil)
    }

    @Test func isolatorsOfTheCommandLineReplaceThoseOfTheImage() throws {
        let own = App(
            exec: ["/x"],
            isolators: try [
                Isolator(name: "resource/memory", value: ["limit": "1Gi"]),
                Isolator(name: "os/linux/capabilities-remove-set", value: ["set": ["CAP_KILL"]]),
                Isolator(name: "os/linux/no-new-privileges", value: true),
            ])
        var request = AppRequest(image: "x")
        request.memory = "42Mi"
        request.cpu = "900m"
        request.cpuShares = "12345"
        request.oomScoreAdjust = "-5"
        request.capabilitiesRetain = "CAP_NET_ADMIN,CAP_CHOWN"
        request.seccomp = "mode=remove,errno=EPERM,chmod,chown"
        let isolators = try app(request, image(app: own)).isolators
        #expect(
            isolators.map(\.name) == [
                "os/linux/no-new-privileges", "resource/memory", "resource/cpu", "os/linux/cpu-shares",
                "os/linux/oom-score-adj", "os/linux/capabilities-retain-set", "os/linux/seccomp-remove-set",
            ])
        #expect(isolators[1].value == ["limit": "42Mi"])
        #expect(isolators[3].value == 12345)
        #expect(isolators[4].value == -5)
        #expect(isolators[5].value == ["set": ["CAP_NET_ADMIN", "CAP_CHOWN"]])
        #expect(isolators[6].value == ["set": ["chmod", "chown"], "errno": "EPERM"])
    }

    @Test(
        arguments: [
            (\AppRequest.memory, "lots"), (\.cpu, "1K"), (\.cpuShares, "many"), (\.cpuShares, "1"),
            (\.oomScoreAdjust, "2000"), (\.seccomp, "chmod"), (\.seccomp, "mode=allow,chmod"),
            (\.seccomp, "mode=retain"),
            (\.supplementaryGIDs, "1,-2"), (\.workingDirectory, "tmp"), (\.name, "No Name"),
        ] as [(WritableKeyPath<AppRequest, String?> & Sendable, String)])
    func badFlagsAreRefusedWithTheirValue(flag: WritableKeyPath<AppRequest, String?> & Sendable, value: String) {
        var request = AppRequest(image: "x")
        request[keyPath: flag] = value
        let error = #expect(throws: RuntimeError.self) { try app(request) }
        #expect(error?.code == .invalidArgument)
        #expect(error?.description.contains(value) == true)
    }

    @Test func twoAppsOfOneNameAreRefused() {
        let request = AppRequest(image: "x")
        let error = #expect(throws: RuntimeError.self) { try build([request, request], [image(), image()]) }
        #expect(error?.message.hasPrefix("multiple apps with name hello") == true)
        var renamed = request
        renamed.name = "second"
        #expect(throws: Never.self) { try build([request, renamed], [image(), image()]) }
    }

    @Test func anImageWithoutAppNeedsAProgram() throws {
        var request = AppRequest(image: "x")
        let error = #expect(throws: RuntimeError.self) { try app(request, image(app: nil)) }
        #expect(error?.message.contains("--exec") == true)
        request.exec = "/bin/true"
        #expect(try app(request, image(app: nil)).exec == ["/bin/true"])
        #expect(try app(request, image(app: nil)).user == "0")
    }

    @Test(arguments: [
        (String?.none, String?.some("amd64"), "missing os label in the image manifest"),
        ("linux", nil, "missing arch label in the image manifest"), ("freebsd", "amd64", "bad os \"freebsd\""),
        ("linux", "ppc64", "bad arch \"ppc64\""),
    ])
    func imagesForOtherMachinesAreRefused(os: String?, arch: String?, message: String) {
        let error = #expect(throws: RuntimeError.self) {
            try app(AppRequest(image: "x"), image(os: os, arch: arch))
        }
        #expect(error?.chain.last?.hasPrefix(message) == true)
    }
}
