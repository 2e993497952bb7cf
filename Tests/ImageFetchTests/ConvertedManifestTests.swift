// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import ImageFetch
import TestSupport
import Testing

struct ConvertedManifestTests {
    private func convert(_ configuration: String, accounts: String? = nil) throws -> ConvertedImage {
        var layer = TarFixture()
        if let accounts { layer.add("etc/passwd", accounts) }
        return try LayoutFixture.image([layer], configuration: configuration).convert().image
    }

    @Test func everyPartOfAConfigurationHasItsPlace() throws {
        let image = try convert(
            #"""
            "architecture":"amd64","os":"linux","created":"2017-05-02T08:00:00.123456789Z","author":"A <a@example.com>",
            "config":{"User":"app:staff","ExposedPorts":{"80/tcp":{},"53/udp":{},"7000-7002/tcp":{},"8080":{}},
            "Env":["PATH=/bin","EMPTY=","A=b=c"],"Entrypoint":["/entry","-x"],"Cmd":["serve","a b"],
            "Volumes":{"/data":{},"/var/Lib_x/db/":{},"/var/lib-x/db":{}},"WorkingDir":"/srv","Labels":{"Team":"shop"},
            "StopSignal":"SIGQUIT","Healthcheck":{"Test":["NONE"]}}
            """#)
        let manifest = image.manifest
        #expect(manifest.name == "layout")
        #expect(manifest.labels.map { "\($0.name)=\($0.value)" } == ["version=latest", "os=linux", "arch=amd64"])
        let app = try #require(manifest.app)
        #expect(app.exec == ["/entry", "-x", "serve", "a b"])
        #expect([app.user, app.group] == ["app", "staff"])
        #expect(app.workingDirectory == "/srv")
        #expect(app.environment.map { "\($0.name)=\($0.value)" } == ["PATH=/bin", "EMPTY=", "A=b=c"])
        #expect(
            app.ports.map { "\($0.name) \($0.protocol) \($0.port) \($0.count)" } == [
                "53-udp udp 53 1", "7000-7002-tcp tcp 7000 3", "80-tcp tcp 80 1", "8080-tcp tcp 8080 1",
            ])
        #expect(
            app.mountPoints.map { "\($0.name) \($0.path)" } == [
                "volume-data /data", "volume-var-lib-x-db /var/Lib_x/db/", "volume-var-lib-x-db-2 /var/lib-x/db",
            ])
        #expect(app.userLabels == ["Team": "shop"])
        #expect(manifest.annotation("author") == "A <a@example.com>")
        #expect(manifest.annotation("created") == "2017-05-02T08:00:00.123456789Z")
        #expect(manifest.annotation("appc.io/docker/entrypoint") == #"["/entry","-x"]"#)
        #expect(manifest.annotation("appc.io/docker/cmd") == #"["serve","a b"]"#)
        #expect(manifest.annotation("appc.io/docker/imageid") == image.configurationDigest.hex)
        #expect(manifest.annotation("appc.io/docker/repository") == "layout")
        #expect(image.warnings.isEmpty)
    }

    @Test(arguments: [
        ("", "0", "0"), ("app", "app", "2000"), ("app:", "app", "2000"), ("1000", "1000", "2000"),
        ("4242", "4242", "0"),
        ("app:7", "app", "7"), (":9", "0", "9"), ("broken", "broken", "0"),
    ])
    func aUserWithoutGroupHasItsOwnGroup(text: String, user: String, group: String) throws {
        let accounts = "root:x:0:0::/:/bin/sh\nbroken:x:5\napp:x:1000:2000::/:/bin/sh\n"
        let image = try convert(
            #""architecture":"amd64","os":"linux","config":{"User":"\#(text)"}"#, accounts: accounts)
        #expect([image.manifest.app?.user, image.manifest.app?.group] == [user, group])
    }

    @Test func whatHasNoPlaceIsToldAndLeftOut() throws {
        let image = try convert(
            #"""
            "architecture":"mips","os":"linux","created":"yesterday",
            "config":{"Env":["1BAD=x","GOOD=y"],"ExposedPorts":{"0/tcp":{},"80/carrier":{},"99999":{}},"WorkingDir":"srv"}
            """#)
        #expect(image.manifest.labels["arch"] == nil)
        #expect(image.manifest.annotation("created") == nil)
        #expect(image.manifest.app?.environment.map(\.name) == ["GOOD"])
        #expect(image.manifest.app?.ports.isEmpty == true)
        #expect(image.manifest.app?.workingDirectory == "/srv")
        #expect(image.warnings.count == 5)
    }

    @Test(arguments: [
        ("amd64", "", "amd64"), ("386", "", "i386"), ("arm64", "v8", "aarch64"), ("arm", "v6", "armv6l"),
        ("arm", "v7", "armv7l"), ("arm", "", "armv6l"), ("ppc64le", "", "ppc64le"), ("s390x", "", "s390x"),
    ])
    func architecturesGetTheirLabels(architecture: String, variant: String, label: String) throws {
        let image = try convert(#""architecture":"\#(architecture)","variant":"\#(variant)","os":"linux""#)
        #expect(image.manifest.label("arch") == label)
    }

    @Test(arguments: [
        (#""config":{"Env":"x"}"#, "config.Env should be a list and is a string"),
        (#""config":{"Env":[1]}"#, "config.Env[0] should be a string and is a number"),
        (#""config":{"Cmd":["a\u0000b"]}"#, "holds a NUL character"),
        (#""config":{"User":{}}"#, "config.User should be a string"),
    ])
    func malformedConfigurationsAreRefusedByField(configuration: String, message: String) throws {
        let fixture = try LayoutFixture.image(
            [TarFixture()], configuration: #""architecture":"amd64","os":"linux",\#(configuration)"#)
        #expect(try fixture.refusal().contains(message))
    }
}
