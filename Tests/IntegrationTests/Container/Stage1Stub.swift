// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import LinuxPlatform
import SystemPackage
import TestSupport

/// A stage1 image made of shell scripts that know nothing but the implementor's guide. Each writes down how it was called.
struct Stage1Stub {
    /// What `run` does after that.
    enum Life {
        /// Ends with a status, which it leaves as the app's.
        case ends(Int)
        /// Is the process that `enter` gets, and ends by signals only.
        case hangs
        /// Has that process as its child, and ends with status 5 together with it.
        case hangsWithChild

        fileprivate var script: String {
            switch self {
            case .ends(let status):
                """
                echo $$ >pid
                echo \(status) >stage1/rootfs/rkt/status/busybox
                exit \(status)
                """
            case .hangs: "echo $$ >pid; exec sleep 100000"
            case .hangsWithChild: "trap 'exit 5' TERM; sleep 100000 & echo $$ >ppid; wait $!; exit 5"
            }
        }
    }

    /// How an entrypoint was called.
    struct Call {
        fileprivate let facts: [(key: String, value: String)]

        fileprivate func all(_ key: String) -> [String] { facts.filter { $0.key == key }.map(\.value) }

        /// argv[0].
        var name: String? { all("name").first }
        var arguments: [String] { all("argument") }
        var directory: String? { all("directory").first }
        /// `NAME=VALUE` each, sorted.
        var environment: [String] { all("variable").sorted() }
        /// What its open descriptors lead to, without the script itself.
        var descriptors: [String] { all("descriptor") }
        /// What the descriptor leads to whose number is in `RKT_LOCK_FD`.
        var lock: String? { all("lock").first }
        /// Which of the paths that the guide names are there, relative to the pod's directory.
        var present: [String] { all("present") }
    }

    let image: FilePath
    private let records: FilePath

    static let name = "example.com/rkt/stage1-stub"

    /// - Parameters:
    ///   - version: of the interface; nil for an image that does not say it.
    ///   - entrypoints: those that the image names.
    ///   - annotations: further ones, by what follows `coreos.com/rkt/stage1/`.
    init(
        _ fixture: PodFixture, version: String? = nil, _ life: Life = .ends(0),
        entrypoints: [String] = ["run", "enter", "gc", "stop"], annotations: [String: String] = [:]
    ) throws {
        let directory = fixture.path("stub-\(Clock.microseconds)")
        try FileSystem.makeDirectory(directory)
        records = directory
        image = directory.appending("stage1.aci")
        var all = Dictionary(uniqueKeysWithValues: entrypoints.map { ($0, "/ex/\($0)") })
        all["interface-version"] = version
        all.merge(annotations) { $1 }
        var tar = TarFixture.image(Self.manifest(all))
        tar.add("rootfs/ex", .directory, mode: 0o755)
        for (name, rest) in [("run", life.script), ("enter", Self.enter), ("stop", Self.stop), ("gc", "exit 0")] {
            tar.add("rootfs/ex/\(name)", Self.script(recordingTo: directory.appending(name), rest), mode: 0o755)
        }
        try FileSystem.write(tar.bytes(), to: image)
    }

    /// The last call of an entrypoint; nil when there was none.
    func call(_ entrypoint: String) throws -> Call? {
        let file = records.appending(entrypoint)
        guard FileSystem.exists(file) else { return nil }
        let lines = try FileSystem.readText(file).split(separator: "\n")
        return Call(
            facts: lines.map { line in
                let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                return (key: String(parts[0]), value: parts.count > 1 ? String(parts[1]) : "")
            })
    }

    func wasCalled(_ entrypoint: String) -> Bool { FileSystem.exists(records.appending(entrypoint)) }

    private static func manifest(_ annotations: [String: String]) -> String {
        let list = annotations.sorted { $0.key < $1.key }.map {
            #"{"name":"coreos.com/rkt/stage1/\#($0.key)","value":"\#($0.value)"}"#
        }
        return """
            {"acKind":"ImageManifest","acVersion":"0.8.10","name":"\(name)",
             "labels":[{"name":"version","value":"0.0.1"},{"name":"arch","value":"\(Platform.architecture)"},
              {"name":"os","value":"linux"}],
             "annotations":[\(list.joined(separator: ","))]}
            """
    }

    /// The record is there at once, or not at all.
    private static func script(recordingTo file: FilePath, _ rest: String) -> String {
        """
        #!/bin/sh
        descriptors=$(readlink /proc/$$/fd/*)
        {
            echo "name=$0"
            for argument; do echo "argument=$argument"; done
            echo "directory=$(pwd -P)"
            tr '\\0' '\\n' </proc/$$/environ | sed 's/^/variable=/'
            echo "$descriptors" | sed -e '/\\/ex\\/[a-z]*$/d' -e 's/^/descriptor=/'
            [ -z "$RKT_LOCK_FD" ] || echo "lock=$(readlink "/proc/$$/fd/$RKT_LOCK_FD")"
            for path in pod stage1/manifest stage1/rootfs/opt/stage2/*/rootfs stage1/rootfs/rkt/*; do
                [ ! -e "$path" ] || echo "present=$path"
            done
        } >'\(file).new'
        mv '\(file).new' '\(file)'
        \(rest)
        """ + "\n"
    }

    /// Runs what follows the separator, as the pod of this stage1 is the host.
    private static let enter = "while [ \"$1\" != -- ]; do shift; done; shift; exec \"$@\""

    private static let stop = """
        signal=TERM
        [ "$1" != --force ] || signal=KILL
        if [ -e pid ]; then kill -$signal $(cat pid); exit; fi
        parent=$(cat ppid)
        kill -$signal $parent $(cat /proc/$parent/task/$parent/children)
        """
}
