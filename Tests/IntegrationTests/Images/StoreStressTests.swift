// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

/// Many processes that use one image store at a time.
@Suite(.requiresBuild, .requiresRoot, .requires("sqlite3"), .podLogs, .timeLimit(.minutes(10)))
struct StoreStressTests {
    @Test func manyProcessesShareAStore() async throws {
        try await PodFixture.with(seeded: false) { fixture in
            let images = try StoreImages(fixture, count: 3)
            let seed = SeededGenerator.printedSeed(for: "manyProcessesShareAStore")
            let end = ContinuousClock.now + Soak.choose(.seconds(60), sample: .seconds(6))
            let data = fixture.data
            let scratch = fixture.scratch.path
            var done: [String: Int] = [:]
            try await withThrowingTaskGroup(of: [String: Int].self) { group in
                for number in 0..<20 {
                    group.addTask {
                        var user = StoreUser(number, data: data, scratch: scratch, images: images, seed: seed)
                        while ContinuousClock.now < end { try await user.act() }
                        return user.done
                    }
                }
                for try await counts in group { done.merge(counts) { $0 + $1 } }
            }
            print("manyProcessesShareAStore: \(done.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" })")
            for action in StoreUser.Action.allCases { #expect(done["\(action)", default: 0] > 0) }

            #expect(try StoreFlaws.all(in: data, beforeCollection: true) == [])
            let ids = try await fixture.rkt("image", "list", "--full", "--fields=id", "--no-legend").lines
            for id in ids {
                let verified = try await fixture.rkt("image", "verify", id)
                #expect(verified.status == 0)
                #expect(verified.complaints == [])
            }
            let pods = try await fixture.rkt("gc", "--grace-period=0s", "--expire-prepared=0s")
            #expect(pods.status == 0)
            #expect(fixture.uuids == [])
            #expect(try await fixture.rkt("image", "gc").status == 0)
            #expect(try StoreFlaws.trees(in: data) == [])
            #expect(try StoreFlaws.all(in: data) == [])
            #expect(try await fixture.rkt("image", "list", "--full", "--fields=id", "--no-legend").lines == ids)
            #expect(try await fixture.rkt("image", "gc", "--grace-period=0s").status == 0)
            #expect(try await fixture.rkt("image", "list", "--no-legend").lines == [])
            #expect(try StoreFlaws.all(in: data) == [])
        }
    }

    @Test(arguments: ["--no-overlay=false", "--no-overlay=true"])
    func oneProcessRendersAndTheOthersWait(_ storage: String) async throws {
        try await PodFixture.with(seeded: false) { fixture in
            let images = try StoreImages(fixture, count: 1, large: 100)
            #expect(try await fixture.rkt("image", "list").status == 0)
            let watch = try DirectoryWatch(fixture.data.appending("cas").appending("tree"))
            let processes = try (0..<8).map { _ in
                try fixture.start(
                    ["prepare", storage, "--stage1-path=\(images.stage1.path)", images.apps[0].path.string])
            }
            for process in processes { #expect(try await process.end().status == 0) }
            // One tree of stage1 and one of the app, each made under another name first.
            let names = watch.names()
            #expect(names.filter { $0.hasPrefix(".rendering-") }.count == 2)
            #expect(names.filter { $0.hasPrefix("deps-") }.count == 2)
            #expect(try StoreFlaws.trees(in: fixture.data).count == 2)
            #expect(Set(fixture.uuids).count == 8)
            #expect(try StoreFlaws.all(in: fixture.data) == [])
        }
    }
}

/// One of the users: a process at a time, each doing something else at random.
private struct StoreUser {
    enum Action: CaseIterable { case fetch, prepare, remove, collect, list, verify, manifest }

    private(set) var done: [String: Int] = [:]
    private let data: FilePath
    private let log: FilePath
    private let images: StoreImages
    private var generator: SeededGenerator
    /// Every kind of action is somebody's first.
    private var next: Action?

    init(_ number: Int, data: FilePath, scratch: FilePath, images: StoreImages, seed: UInt64) {
        self.data = data
        log = scratch.appending("user-\(number)")
        self.images = images
        generator = SeededGenerator(seed: seed &+ UInt64(number))
        next = Action.allCases[number % Action.allCases.count]
    }

    mutating func act() async throws {
        // Mostly images come and are used: what is there at all is what can go wrong.
        let actions = Action.allCases + [.fetch, .fetch, .prepare, .prepare, .prepare]
        let action = next ?? actions.randomElement(using: &generator) ?? .list
        next = nil
        switch action {
        case .fetch:
            let image = images.all.randomElement(using: &generator) ?? images.stage1
            let outcome = try await rkt(["fetch", "--full", image.path.string])
            if outcome.status == 0 {
                #expect(outcome.output.wholeMatch(of: /sha512-[0-9a-f]{64}\n/) != nil)
                #expect(outcome.complaints == [])
            }
        case .prepare: try await prepare()
        case .remove:
            // One that is not there is no failure.
            let names = images.all.shuffled(using: &generator).prefix(2).map(\.name)
            let outcome = try await rkt(["image", "rm"] + names, toldAlways: StoreUser.absences + ["removed$"])
            let removed = outcome.lines.filter { $0.hasPrefix("successfully removed aci for image: \"sha512-") }
            #expect(removed.count == outcome.lines.count)
        case .collect:
            let grace = ["0s", "1s", "24h"].randomElement(using: &generator) ?? "24h"
            let outcome = try await rkt(
                ["image", "gc", "--grace-period=\(grace)"], failures: [],
                toldAlways: ["^gc: removed treestore \"deps-sha512-[0-9a-f]{64}\"$", "^gc: [0-9]+ image.* removed$"])
            #expect(outcome.status == 0)
        case .list:
            let outcome = try await rkt(["image", "list", "--format=json"], failures: [])
            #expect(outcome.status == 0)
            let list = try JSONValue(parsing: Array(outcome.output.utf8)).array ?? []
            let names = Set(images.all.map { "\($0.name):1.0.0" })
            #expect(list.allSatisfy { names.contains($0.value(forKey: "name")?.string ?? "") })
        case .verify:
            let image = images.all.randomElement(using: &generator) ?? images.stage1
            let outcome = try await rkt(["image", "verify", image.name])
            if outcome.status == 0 { #expect(outcome.output.contains("successfully verified checksum for image")) }
        case .manifest:
            let image = images.all.randomElement(using: &generator) ?? images.stage1
            let outcome = try await rkt(["image", "cat-manifest", image.name])
            if outcome.status == 0 { #expect(outcome.output.contains("\"\(image.name)\"")) }
        }
        done["\(action)", default: 0] += 1
    }

    /// Makes a pod and removes it. It may fail when its image or stage1 is removed before it is rendered.
    private mutating func prepare() async throws {
        let image = images.apps.randomElement(using: &generator) ?? images.stage1
        let storage = "--no-overlay=\(Bool.random(using: &generator))"
        let prepared = try await rkt(
            ["prepare", storage, "--stage1-path=\(images.stage1.path)", image.path.string])
        guard prepared.status == 0 else { return }
        let uuid = try #require(prepared.lines.first)
        #expect(try filesOfPod(uuid, app: String(image.name.dropFirst("example.com/".count))) == 22)
        let removed = try await rkt(["rm", uuid], failures: [])
        #expect(removed.status == 0)
        #expect(removed.output == "\"\(uuid)\"\n")
    }

    /// How many files an app begins with: in the pod's copy, or in the tree that it has written down as its own.
    private func filesOfPod(_ uuid: String, app: String) throws -> Int {
        let pod = data.appending("pods").appending("prepared").appending(uuid)
        var rootfs = pod.pushing(FilePath("stage1/rootfs/opt/stage2/\(app)/rootfs"))
        if let tree = try? FileSystem.readText(pod.pushing(FilePath("appsinfo/\(app)/tree"))) {
            rootfs = data.pushing(FilePath("cas/tree/\(tree.filter { $0 != "\n" })/rootfs"))
        }
        return try FileSystem.list(rootfs).count
    }

    /// What a command may say of an image that somebody has removed.
    private static let absences = [
        "^[a-z-]+: image sha512-[0-9a-f]+ \\(example.com/[a-z0-9-]+\\) is not in the store any more$",
        "^[a-z-]+: cannot find aci satisfying name: \"example.com/[a-z0-9-]+\" and labels: \\[\\] in the local store$",
        "^[a-z-]+: no image IDs found that begin with \"sha512-[0-9a-f]+\"$",
    ]

    /// Runs a command, which must succeed or fail in a documented way.
    ///
    /// - Parameters:
    ///   - failures: what its one line may be when it fails, as regular expressions.
    ///   - toldAlways: what its lines on standard error may be when it succeeds.
    private func rkt(
        _ arguments: [String], failures: [String] = absences, toldAlways: [String] = []
    ) async throws -> HostProcess.Outcome {
        let process = try HostProcess(
            BuildProducts.rkt, ["--dir=\(data)", "--insecure-options=image"] + arguments, log: log)
        let outcome = try await process.end(within: .seconds(120))
        let allowed = try (outcome.status == 0 ? toldAlways : failures + toldAlways).map { try Regex($0) }
        let lines = outcome.complaints
        let strange = lines.filter { line in !allowed.contains { line.firstMatch(of: $0) != nil } }
        #expect(strange == [], "\(arguments.joined(separator: " ")): status \(outcome.status)")
        #expect(outcome.status == 0 || outcome.status == 254 && !lines.isEmpty, "\(arguments.joined(separator: " "))")
        return outcome
    }
}
