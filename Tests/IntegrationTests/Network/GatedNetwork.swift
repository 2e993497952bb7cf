// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import LinuxPlatform
import SystemPackage
import TestSupport

/// A bridge with a forwarded port, whose plugin stops where a test wants it to.
struct GatedNetwork {
    /// Where the plugin stops.
    enum Place: String, CaseIterable {
        /// Before it has done anything.
        case begin
        /// A program that it has started is to do it.
        case child
        /// When it has done all, and has not told yet.
        case end
    }

    let scene: NetworkScene
    private let image: FilePath
    private var wanted: FilePath { scene.local.appending("wanted") }
    private var reached: FilePath { scene.local.appending("reached") }
    private var hold: FilePath { scene.local.appending("hold") }
    /// While it exists DEL fails.
    var refusal: FilePath { scene.local.appending("refusal") }

    init(_ scene: NetworkScene) async throws {
        self.scene = scene
        image = try await scene.fixture.image(
            manifest: TarFixture.manifest(
                name: "example.com/server",
                extra: #","labels":[{"name":"os","value":"linux"},{"name":"arch","value":"amd64"}],"#
                    + #""app":{"exec":["/bin/sh"],"user":"0","group":"0","#
                    + #""ports":[{"name":"www","protocol":"tcp","port":8080}]}"#))
        try scene.write(
            "10-yard.conf",
            """
            {"cniVersion":"0.4.0","name":"yard","type":"gated","bridge":"yard0","isGateway":true,"ipMasq":true,
             "ipam":{"type":"host-local","subnet":"10.77.0.0/24","routes":[{"dst":"0.0.0.0/0"}]}}
            """)
        // Nobody ever writes into the pipe: whoever waits there waits to be killed.
        guard mkfifo(hold.string, 0o600) == 0 else { throw lastErrno }
        try scene.install(
            "gated",
            """
            input=$(cat)
            hold() {
                [ "$(cat \(wanted) 2>/dev/null)" = "$CNI_COMMAND $1" ] || return 0
                echo $$ >\(reached).new && mv \(reached).new \(reached)
                read line <\(hold)
            }
            if [ $CNI_COMMAND = DEL ] && [ -e \(refusal) ]; then
                echo '{"cniVersion":"0.4.0","code":100,"msg":"the switch does not answer"}'; exit 1
            fi
            hold begin
            output=$(hold child; printf '%s' "$input" | /usr/lib/cni/bridge)
            status=$?
            hold end
            printf '%s\\n' "$output"
            exit $status
            """)
    }

    /// The arguments that start a pod on it.
    var pod: [String] {
        [
            "run", scene.flag, "--net=yard", "--port=www:7070", image.string, "--", "-c",
            "trap 'exit 0' TERM; echo up; while :; do sleep 1 & wait; done",
        ]
    }

    /// Has the plugin stop at a place of a command; nowhere without one.
    func stop(_ command: String? = nil, at place: Place = .begin) throws {
        try FileSystem.remove(reached)
        guard let command else { return try FileSystem.remove(wanted) }
        try FileSystem.write("\(command) \(place.rawValue)\n".utf8, to: wanted)
    }

    /// Waits until the plugin has stopped, and returns its number.
    func plugin(of process: HostProcess) async throws -> Int32 {
        try await eventually("the plugin") {
            if FileSystem.exists(reached) { return true }
            guard process.isRunning else { throw FixtureError("the pod has ended: \(process.error)") }
            return false
        }
        guard let pid = Int32(try FileSystem.readText(reached).prefix { $0.isNumber }) else {
            throw FixtureError("the plugin has no number")
        }
        return pid
    }
}
