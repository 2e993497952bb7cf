// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Commands
import Diagnostics
import LinuxPlatform
import Stage0
import SystemPackage
import TestSupport
import Testing

struct AppCommandTests {
    private func add(_ words: String) throws -> (pod: String, app: AppRequest, volumes: [String]) {
        let arguments = try AppArguments(
            words.split(separator: " ").map(String.init), grammar: AppAddCommand.grammar,
            catalog: FlagCatalog(of: AppAddCommand.self))
        let command = try AppAddCommand.parse(CanonicalArguments.of(arguments.flags, words: arguments.words))
        let context = CommandContext(
            component: "add", console: RecordingConsole().console, images: arguments.images,
            givenFlags: arguments.givenFlags)
        let (pod, app) = try command.request(context)
        return (pod, app, command.volume)
    }

    @Test func `the first word of add is the pod, the next its image`() throws {
        let (pod, app, volumes) = try add(
            "0d3a example.com/web --name=web --volume=v,kind=empty --mount=volume=v,target=/v -- -x --name=y")
        #expect(pod == "0d3a")
        #expect(app.image == "example.com/web")
        #expect(app.name == "web")
        #expect(app.arguments == ["-x", "--name=y"])
        #expect(app.mounts == ["volume=v,target=/v"])
        #expect(volumes == ["v,kind=empty"])
    }

    @Test(
        arguments: [
            "0d3a image --app=web --user=5", "0d3a --app=web --user=5 image", "0d3a --name web image --user 5",
        ])
    func `flags of the image may stand before it`(words: String) throws {
        let (_, app, _) = try add(words)
        #expect(app.image == "image" && app.name == "web" && app.user == "5")
    }

    @Test func `flags for all images are those of the one there is`() throws {
        let (_, app, _) = try add(
            "--mount=volume=a,target=/a --annotation=x=y --user-label=l=m 0d3a image --annotation=z=1 --mnt-volume=name=b"
        )
        #expect(app.mounts == ["volume=a,target=/a"])
        #expect(app.annotations == ["x=y", "z=1"])
        #expect(app.userLabels == ["l=m"])
        #expect(app.mountedVolumes == ["name=b"])
    }

    @Test func `a file takes the pod's place`() throws {
        let scratch = try ScratchDirectory()
        try FileSystem.write("0d3a1e2c".utf8, to: scratch.appending("uuid"))
        let (pod, app, _) = try add("--uuid-file=\(scratch.appending("uuid")) image -- a")
        #expect(pod == "0d3a1e2c")
        #expect(app.image == "image" && app.arguments == ["a"])
    }

    @Test(arguments: ["", "0d3a", "0d3a one two", "0d3a -- x", "--uuid-file=/dev/null"])
    func `add takes one pod and one image`(words: String) {
        #expect(throws: UsageError.self) { try add(words) }
    }

    @Test(
        arguments: [
            ("0d3a --app=web ls -l --app=x", ["0d3a", "ls", "-l", "--app=x"]),
            ("--app=web 0d3a -- ls --help", ["0d3a", "ls", "--help"]),
            ("0d3a --app web -- ls", ["0d3a", "ls"]), ("--app=web 0d3a", ["0d3a"]),
            ("--uuid-file=f --app=web ls --debug", ["ls", "--debug"]),
        ] as [(String, [String])])
    func `what follows the pod of exec is somebody else's`(words: String, expected: [String]) throws {
        let arguments = try AppArguments(
            words.split(separator: " ").map(String.init), grammar: AppExecuteCommand.grammar,
            catalog: FlagCatalog(of: AppExecuteCommand.self))
        #expect(arguments.words == expected)
        #expect(arguments.flags.last { $0.definition.name == "app" }?.value == "web")
    }

    @Test func `the size of a sandbox is read in any unit`() throws {
        func options(_ words: [String]) throws -> RunOptions { try AppSandboxCommand.parse(words).options }
        #expect(try options(["--memory=2Gi", "--cpu=1500m"]).sandbox.memory == 2 << 30)
        #expect(try options(["--memory=2Gi", "--cpu=1500m"]).sandbox.processors == 2)
        #expect(try options([]).sandbox.memory == nil)
        for (words, flag) in [
            (["--memory=much"], "--memory=much"), (["--cpu=0"], "--cpu=0"), (["--memory=-1"], "--memory=-1"),
        ] {
            let error = #expect(throws: RuntimeError.self) { try options(words) }
            #expect(error?.message == flag)
        }
    }

    @Test func `a sandbox has no apps and what it was told`() throws {
        let request = try AppSandboxCommand.parse(
            ["--port=http:tcp:80:8080", "--annotation=a=b", "--no-overlay=true", "--stage1-path=/s.aci"]
        ).request
        #expect(request.isMutable && request.apps.isEmpty && request.storage == .copies)
        #expect(request.stage1 == .path("/s.aci"))
        let manifest = try PodManifestBuilder(request).build([], Notices(isDebug: false))
        #expect(manifest.annotation("coreos.com/rkt/stage1/mutable") == "true")
        #expect(manifest.annotation("a") == "b")
        #expect(manifest.ports.map(\.podPort?.port) == [80])
        var lying = request
        lying.annotations = ["coreos.com/rkt/stage1/mutable=false"]
        #expect(
            try PodManifestBuilder(lying).build([], Notices(isDebug: false)).annotation("coreos.com/rkt/stage1/mutable")
                == "true")
    }

    private func status(_ name: String, _ phase: AppStatus.Phase) throws -> AppStatus {
        AppStatus(
            name: name, imageName: "example.com/x",
            imageID: try ImageID(parsing: "sha512-" + String(repeating: "ab", count: 32)),
            phase: phase, createdAt: 1_700_000_000_000_000_000)
    }

    @Test func `lists have a tab after short names`() throws {
        let apps = [try status("one", .running), try status("a-long-name", .created)]
        #expect(AppText.list([apps[0]], legend: false, .text) == "one\trunning\n")
        #expect(AppText.list([], legend: false, .text) == "\n")
        #expect(
            AppText.list(apps, legend: true, .text) == "NAME\t\tSTATE\none\t\trunning\na-long-name\tcreated\n")
        let json = try JSONValue(parsing: Array(AppText.list(apps, legend: true, .json).utf8))
        #expect(json.array?.map { $0["state"]?.string } == ["running", "created"])
    }

    @Test func `a status has the lines of its state`() throws {
        var app = try status("one", .created)
        func keys() -> [String] {
            AppText.status(app, .text).split(separator: "\n").map { String($0.prefix { $0 != "=" }) }
        }
        #expect(keys() == ["name", "state", "image_id", "created_at"])
        app.startedAt = app.createdAt
        app.phase = .running
        #expect(keys() == ["name", "state", "image_id", "created_at", "started_at"])
        app.phase = .exited
        app.finishedAt = app.createdAt
        app.exitStatus = 3
        #expect(keys() == ["name", "state", "image_id", "created_at", "started_at", "finished_at", "exit_code"])
        #expect(AppText.status(app, .text).contains("\nstate=exited\nimage_id=sha512-"))
        #expect(AppText.status(app, .text).hasSuffix("\nexit_code=3\n"))
        #expect(try JSONValue(parsing: Array(AppText.status(app, .jsonPretty).utf8))["exit_code"]?.int == 3)
    }

    @Test(arguments: ["start", "stop", "rm", "status", "exec"])
    func `an app has to be named`(command: String) {
        let recording = RecordingConsole()
        #expect(recording.run("app", command, "0d3a") == 254)
        #expect(recording.messages.contains("must name an app: --app=NAME"))
        #expect(recording.output.contains("rkt app \(command)"))
    }

    @Test func `all of it is for root`() {
        for command in ["sandbox", "add", "start", "stop", "rm", "list", "status", "exec"] {
            let recording = RecordingConsole()
            #expect(recording.run(["app", command, "x"], isRoot: false) == 254)
            #expect(
                recording.messages
                    == "\(command): cannot run as unprivileged user; run it as root, for instance with sudo\n")
        }
    }
}
