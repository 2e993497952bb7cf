// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

/// What the service says of pods that do not run and of images, beside what the commands say.
@Suite(.requiresBuild, .requiresRoot, .podLogs, .timeLimit(.minutes(5)))
struct APIListTests {
    private func json(_ fixture: PodFixture, _ arguments: String...) async throws -> JSONValue {
        let outcome = try await fixture.rkt(arguments)
        guard outcome.status == 0 else { throw FixtureError(outcome.error) }
        return try JSONValue(parsing: Array(outcome.output.utf8))
    }

    /// Two prepared pods.
    private func prepare(_ fixture: PodFixture) async throws -> [String] {
        var uuids: [String] = []
        for (name, who) in [("web", "me"), ("log", "you")] {
            let outcome = try await fixture.rkt(
                ["prepare", "--user-annotation=who=\(who)", "--user-label=tier=front"]
                    + PodFixture.busybox("exit 0", name: name))
            #expect(outcome.status == 0)
            uuids.append(outcome.output.filter { !$0.isWhitespace })
        }
        return uuids.sorted()
    }

    /// Compares everything that clients and commands say.
    private func compare(_ fixture: PodFixture, _ host: APIHost, by client: APIClient) async throws {
        let listed = try await json(fixture, "list", "--format=json").array ?? []
        let pods = try await host.call("ListPods", #"{"detail":true}"#, by: client).list("pods")
        #expect(pods.map { $0.text("id") } == listed.map { $0.text("name") }.sorted { ($0 ?? "") < ($1 ?? "") })
        for pod in pods {
            let uuid = try #require(pod.text("id"))
            let expected = try #require(listed.first { $0.text("name") == uuid })
            #expect(pod.text("state") == "POD_STATE_\((expected.text("state") ?? "").uppercased())")
            #expect(pod.list("apps").map { $0.text("name") } == expected.list("apps").map { $0.text("name") })
            #expect(pod.list("apps").map { $0.text("state") } == ["APP_STATE_CREATED"])
            #expect((pod.text("created_at") ?? "").dropLast(9) == expected.text("created_at") ?? "-")
            #expect(
                pod.pairs("user_annotations")["who"]
                    == expected.value(forKey: "user_annotations")?.text("who"))
            #expect(pod.pairs("user_labels") == ["tier": "front"])
            let manifest = try await fixture.rkt("cat-manifest", "--pretty-print=false", uuid).output
            #expect(pod.bytes("manifest").map { $0 + "\n" } == manifest)
            let app = try #require(pod.list("apps").first)
            let image = try #require(app.value(forKey: "image"))
            #expect(image.text("id") == expected.list("apps").first?.text("image_id"))
            #expect(image.text("name") == "example.com/busybox")
            #expect(try await host.call("InspectPod", #"{"id":"\#(uuid.prefix(13))"}"#, by: client)["pod"] == pod)
        }

        let stored =
            try await json(
                fixture, "image", "list", "--full", "--format=json", "--fields=id,name,size,importtime"
            ).array ?? []
        let images = try await host.call("ListImages", #"{"detail":true}"#, by: client).list("images")
        #expect(images.map { $0.text("id") } == stored.compactMap { $0.text("id") }.sorted())
        for image in images {
            let id = try #require(image.text("id"))
            let expected = try #require(stored.first { $0.text("id") == id })
            #expect("\(image.text("name") ?? ""):\(image.text("version") ?? "")" == expected.text("name"))
            #expect(image.text("size") == expected.text("size"))
            #expect(
                image.text("import_timestamp").map { $0 } == expected.text("import_time").map { String($0.dropLast(9)) }
            )
            let shown = try await fixture.rkt("image", "cat-manifest", "--pretty-print=false", id).output
            let manifest = try JSONValue(parsing: Array((image.bytes("manifest") ?? "").utf8))
            #expect(manifest.text("name") == (try JSONValue(parsing: Array(shown.utf8))).text("name"))
            #expect(image.pairs("labels") == manifest.pairs("labels", name: "name"))
            #expect(image.pairs("annotations") == manifest.pairs("annotations", name: "name"))
            #expect(try await host.call("InspectImage", #"{"id":"\#(id.prefix(20))"}"#, by: client)["image"] == image)
        }
    }

    @Test func podsAndImagesAreThoseOfTheCommands() async throws {
        try await PodFixture.with { fixture in
            let uuids = try await prepare(fixture)
            let host = try await APIHost.start(fixture)
            try await compare(fixture, host, by: .swift)

            let info = try #require(try await host.call("GetInfo")["info"])
            #expect(info.text("api_version") == "1.0.0-alpha")
            #expect(info.value(forKey: "global_flags")?.text("dir") == fixture.data.string)
            #expect(info.value(forKey: "global_flags")?.text("insecure_flags") == "image")

            func ids(_ filter: String) async throws -> [String?] {
                try await host.call("ListPods", #"{"filters":[\#(filter)]}"#).list("pods").map { $0.text("id") }
            }
            #expect(try await ids(#"{"ids":["\#(uuids[1])"]}"#) == [uuids[1]])
            #expect(try await ids(#"{"states":["POD_STATE_RUNNING"]}"#) == [])
            #expect(try await ids(#"{"states":["POD_STATE_PREPARED"]}"#) == uuids)
            #expect(try await ids(#"{"app_names":["web"]},{"app_names":["log"]}"#) == uuids)
            #expect(try await ids(#"{"app_names":["web","log"]}"#) == [])
            let plain = try await host.call("ListPods").list("pods")
            #expect(plain.count == 2)
            #expect(plain.allSatisfy { $0.text("manifest") == nil })

            for (method, request, complaint) in [
                (
                    "InspectPod", #"{"id":"00000000"}"#,
                    "notFound: problem retrieving pod: no matches found for \"00000000\""
                ),
                ("InspectPod", "{}", "invalidArgument: UUID cannot be empty"),
                ("InspectImage", #"{"id":"sha512-0"}"#, "invalidArgument: "),
                ("ListPods", #"{"filters":[{"ids":[""]}]}"#, "invalidArgument: an empty ID in a filter"),
                ("GetLogs", #"{"pod_id":"\#(uuids[0])","app_name":"mail"}"#, "notFound: "),
                ("ListenEvents", #"{"filter":{"since_time":"3","until_time":"2"}}"#, "invalidArgument: "),
            ] {
                let outcome = try await host.outcome(method, request)
                #expect(outcome.status == 1, "\(method) \(request)")
                #expect(outcome.error.contains(complaint), "\(outcome.error)")
            }
            // A pod that has not run has no lines, and its stream ends.
            #expect(try await host.outcome("GetLogs", #"{"pod_id":"\#(uuids[0])"}"#).output == "")
        }
    }

    @Test(.requiresPythonAPIClient) func programsInPythonSeeTheSame() async throws {
        try await PodFixture.with { fixture in
            _ = try await prepare(fixture)
            let host = try await APIHost.start(fixture)
            try await compare(fixture, host, by: .python)
            try await compare(fixture, host, by: .reflection)
            let services = try await host.outcome("services", "", by: .python)
            #expect(
                services.lines == [
                    "grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection",
                    "grpc.reflection.v1alpha.ServerReflection", "v1alpha.PublicAPI",
                ])
            let declared = try await host.outcome("descriptors", "", by: .python)
            #expect(declared.status == 0, "\(declared.error)")
            for service in ["", "v1alpha.PublicAPI"] {
                #expect(try await host.outcome("health", service, by: .python).output == "SERVING\n")
            }
            #expect(try await host.outcome("health", "other", by: .python).error.contains("NOT_FOUND: "))
        }
    }

    @Test func imagesThatComeAndGoAreTold() async throws {
        try await PodFixture.with(seeded: false) { fixture in
            // Before there is a data directory.
            let host = try await APIHost.start(fixture)
            #expect(!FileSystem.exists(fixture.data))
            let listener = try await host.stream("ListenEvents")
            let image = BuildProducts.image("busybox").string
            #expect(try await fixture.rkt("fetch", image).status == 0)
            try await eventually("an image") { !listener.events.isEmpty }
            #expect(try await fixture.rkt("image", "rm", "example.com/busybox").status == 0)
            try await eventually("its removal") { listener.events.count > 1 }
            #expect(
                listener.events == ["IMAGE_IMPORTED example.com/busybox", "IMAGE_REMOVED example.com/busybox"])
        }
    }
}
