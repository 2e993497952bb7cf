// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import LinuxPlatform
import PodStore
import Stage0
import SystemPackage
import TestSupport

/// A data directory with an app image and a stage1 image whose entrypoints are shell scripts.
///
/// Everything follows from the path, so that a test can go on in another process.
struct FakeHost: Sendable {
    let directory: FilePath

    init(_ path: String) {
        directory = FilePath(path)
    }

    /// Makes the images in an empty directory.
    ///
    /// - Parameters:
    ///   - hangs: whether `run` waits for SIGTERM instead of ending with status 7.
    ///   - preflight: the status of a preflight entrypoint.
    ///   - networks: whether it says that it has joined networks.
    ///   - plan: what a plan entrypoint prints.
    ///   - users: whether pods can have users of their own.
    ///   - live: whether apps can be added to pods; the entrypoints for that fail where a file `NAME-fails` is among the data,
    ///     and hang where a file `NAME-hangs` is.
    init(
        in scratch: ScratchDirectory, hangs: Bool = false, preflight: Int? = nil, networks: Bool = false,
        plan: String? = nil, users: Bool = false, live: Bool = false
    ) throws {
        directory = scratch.path
        try FileSystem.write(FakeHost.app().bytes(), to: appPath)
        let stage1 = FakeHost.stage1(
            hangs: hangs, preflight: preflight, networks: networks, plan: plan, users: users, live: live)
        try FileSystem.write(stage1.bytes(), to: stage1Path)
    }

    var appPath: FilePath { directory.appending("hello.aci") }
    var stage1Path: FilePath { directory.appending("stage1.aci") }
    var data: FilePath { directory.appending("data") }

    var runtime: PodRuntime {
        PodRuntime(
            Settings(
                dataDirectory: data, localConfiguration: "/etc/rkt-test",
                insecure: [.image, .seccomp]))
    }

    var request: PodRequest {
        var request = PodRequest()
        request.apps = [AppRequest(image: appPath.string)]
        request.stage1 = .path(stage1Path)
        return request
    }

    var saved: FilePath { directory.appending("uuid") }

    var runOptions: RunOptions {
        var options = RunOptions()
        options.hostname = "box"
        options.uuidFileSave = saved
        return options
    }

    /// Removes everything, also what a failed test has left mounted.
    func cleanUp(_ scratch: ScratchDirectory) {
        for point in (try? Mount.points(beneath: directory)) ?? [] { try? Mount.unmount(point, detach: true) }
        scratch.close()
    }

    /// What an entrypoint wrote about itself, by name.
    func observed(_ name: String) throws -> [String: String] {
        let lines = try FileSystem.readText(data.appending(name)).split(separator: "\n")
        return Dictionary(
            lines.map { line in
                let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                return (String(parts[0]), parts.count > 1 ? String(parts[1]) : "")
            }, uniquingKeysWith: { $1 })
    }

    // MARK: - Images

    private static let labels = """
        "labels":[{"name":"version","value":"1.0.0"},{"name":"os","value":"linux"},\
        {"name":"arch","value":"\(Platform.architecture)"}]
        """

    private static func app() -> TarFixture {
        var tar = TarFixture()
        tar.add(
            "manifest",
            """
            {"acKind":"ImageManifest","acVersion":"0.8.11","name":"example.com/hello",\(labels),\
            "app":{"exec":["/hello"],"user":"0","group":"0"}}
            """)
        tar.add("rootfs", .directory, mode: 0o751)
        tar.add("rootfs/greeting", "hello from the image\n")
        return tar
    }

    private static func stage1(
        hangs: Bool, preflight: Int?, networks: Bool, plan: String?, users: Bool, live: Bool
    ) -> TarFixture {
        var entrypoints = ["run", "enter", "gc", "stop"]
        if preflight != nil { entrypoints.append("preflight") }
        if plan != nil { entrypoints.append("plan") }
        let annotations =
            entrypoints.map { "{\"name\":\"coreos.com/rkt/stage1/\($0)\",\"value\":\"/ex/\($0)\"}" }
            + ["{\"name\":\"coreos.com/rkt/stage1/interface-version\",\"value\":\"5\"}"]
            + (live ? ["add", "start", "stop", "rm"] : []).map {
                "{\"name\":\"coreos.com/rkt/stage1/app/\($0)\",\"value\":\"/ex/app-\($0)\"}"
            }
            + (users ? ["{\"name\":\"coreos.com/rkt/stage1/private-users\",\"value\":\"true\"}"] : [])
        var tar = TarFixture()
        tar.add(
            "manifest",
            """
            {"acKind":"ImageManifest","acVersion":"0.8.11","name":"example.com/stage1-fake",\(labels),\
            "annotations":[\(annotations.joined(separator: ","))]}
            """)
        tar.add("rootfs", .directory, mode: 0o755)
        tar.add("rootfs/ex", .directory, mode: 0o755)
        // Pods lie three directories below the data directory.
        tar.add("rootfs/ex/run", script("run", hangs ? waiting : ending), mode: 0o755)
        tar.add("rootfs/ex/enter", script("enter", "exit 3"), mode: 0o755)
        tar.add("rootfs/ex/gc", script("gc", networks ? "rm network-journal" : "test ! -e gc-fails"), mode: 0o755)
        tar.add("rootfs/ex/stop", script("stop", "kill -TERM $(cat pid)"), mode: 0o755)
        for name in live ? ["app-add", "app-start", "app-stop", "app-rm"] : [] {
            tar.add(
                "rootfs/ex/\(name)",
                script(
                    name,
                    "echo $0 $* >> ../../../changes; test ! -e ../../../\(name)-hangs || exec sleep 600; "
                        + "test ! -e ../../../\(name)-fails"),
                mode: 0o755)
        }
        if let plan { tar.add("rootfs/ex/plan", script("plan", "echo '\(plan)'"), mode: 0o755) }
        if let preflight {
            let effect = networks ? ": > network-journal; " : ""
            tar.add("rootfs/ex/preflight", script("preflight", effect + "exit \(preflight)"), mode: 0o755)
        }
        return tar
    }

    /// It opens no descriptor by number: any may be the pod's lock.
    private static func script(_ name: String, _ rest: String) -> String {
        """
        #!/bin/sh
        {
        echo "zero=$0"
        echo "args=$*"
        echo "cwd=$(pwd -P)"
        echo "lock=$(readlink /proc/$$/fd/$RKT_LOCK_FD)"
        echo "input=$(readlink /proc/$$/fd/0)"
        echo "home=$HOME"
        echo "crossing=$RKT_STAGE1_ENTERCMD $RKT_STAGE1_ENTERPID $RKT_STAGE1_ENTERAPP"
        echo "blocked=$(sed -n 's/^SigBlk:[^0-9a-f]*//p' /proc/$$/status)"
        echo "greeting=$(cat stage1/rootfs/opt/stage2/hello/rootfs/greeting 2>&1)"
        echo "owner=$(stat -c %u:%g stage1/rootfs/opt/stage2/hello/rootfs/greeting stage1/rootfs/ex/run 2>&1 | tr '\\n' ' ')"
        echo "mode=$(stat -c %a stage1/rootfs/opt/stage2/hello/rootfs 2>&1)"
        echo "above=$(stat -c %a stage1/rootfs/opt/stage2/hello 2>&1)"
        echo "app=$(ls stage1/rootfs/opt/stage2/hello 2>&1)"
        } > ../../../\(name).observed
        \(rest)
        """ + "\n"
    }

    private static let ending = """
        echo changed > stage1/rootfs/opt/stage2/hello/rootfs/greeting
        echo $$ > pid
        echo 7 > stage1/rootfs/rkt/status/hello
        exit 7
        """

    private static let waiting = """
        trap 'exit 0' TERM
        echo $$ > pid
        ln -s ready stage1/rootfs/rkt/supervisor-status
        while :; do sleep 0.02; done
        """
}

/// Whether something holds now or soon. A program started by another test of this process keeps a copy of every open
/// descriptor, and with it the lock, for the moment until it is executed.
func eventually(_ condition: () throws -> Bool) rethrows -> Bool {
    var backoff = Backoff()
    let deadline = Clock.milliseconds + 10_000
    while try !condition() {
        guard backoff.pause(until: deadline) else { return false }
    }
    return true
}
