// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Commands
import LinuxPlatform
import Stage0
import SystemPackage
import TestSupport
import Testing

struct DoctorCommandTests {
    private let scratch: ScratchDirectory
    private let recording = RecordingConsole()

    /// A host whose stage1 images are nowhere.
    init() throws {
        scratch = try ScratchDirectory()
        try write("paths.d/p.json", #"{"rktKind":"paths","rktVersion":"v1","stage1-images":"\#(scratch.path)/none"}"#)
    }

    private func write(_ file: String, _ text: String) throws {
        let path = scratch.path.pushing(FilePath("local/\(file)"))
        try FileSystem.makeDirectories(path.removingLastComponent())
        try FileSystem.write(text.utf8, to: path)
    }

    private func run(_ words: String..., isRoot: Bool = true) -> Int32 {
        let flags = [
            "--dir=\(scratch.path)/data", "--system-config=\(scratch.path)/system",
            "--local-config=\(scratch.path)/local",
        ]
        return recording.run(["doctor"] + words + flags, isRoot: isRoot)
    }

    @Test(arguments: [true, false])
    func `a host without an image is told of to anybody, and stays as it is`(isRoot: Bool) {
        #expect(run(isRoot: isRoot) == 1)
        #expect(recording.output.contains("no stage1 image at \"\(scratch.path)/none/stage1-kvm.aci\""))
        #expect(recording.messages == "")
        #expect(!FileSystem.exists(scratch.appending("data")))
    }

    @Test func `the object has checks and images`() throws {
        #expect(run("--format=json") == 1)
        let object = try JSONValue(parsing: Array(recording.output.utf8))
        #expect(object["runnable"]?.bool == false)
        let checks = object["checks"]?.array ?? []
        for check in checks {
            #expect(HostCheck.State(rawValue: check["state"]?.string ?? "") != nil)
            #expect(check["details"]?.array?.isEmpty == false)
        }
        let names = checks.compactMap { $0["check"]?.string }
        for name in ["user", "data-directory", "configuration", "kvm", "control-groups"] {
            #expect(names.contains(name), "\(names)")
        }
        #expect(object["stage1"]?[0]?["default"]?.bool == true)
    }

    @Test func `paths that cannot be read are part of the answer`() throws {
        try write("paths.d/q.json", #"{"rktKind":"paths","rktVersion":"v1","data":"relative"}"#)
        #expect(run() == 1)
        #expect(recording.output.contains("paths.d/q.json"))
    }

    @Test func `what cannot be asked for is an error`() {
        #expect(run("--format=xml") == 254)
        #expect(recording.run("doctor", "--dir=") == 254)
    }

    @Test func `tables have a row for each check and each backend, and rows of further details`() throws {
        let answer = try Stage1Answer(
            parsing: Array(
                """
                {"backends":[{"name":"a","chosen":true,"isolation":"emulation","accelerator":"tcg",
                "acceleratorFallback":"there is no device","programs":[{"name":"p","path":"/p","version":"1"}],
                "confinement":{"user":"u","systemCalls":"filtered"}},{"name":"b","problems":["gone"]}]}
                """.utf8))
        let report = HostReport(
            checks: [HostCheck("user", .ok, "root"), HostCheck("kvm", .missing, "none", "get\u{1b} one")],
            stage1Images: [
                Stage1Report(name: "s", version: "1", isDefault: true, outcome: .answer(answer)),
                Stage1Report(name: "t", isDefault: false, outcome: .silent("who knows")),
            ])
        let text = DoctorTable.text(report, legend: true)
        let rows = text.split(separator: "\n").map { $0.split(separator: "\t").map(String.init) }
        #expect(
            rows == [
                ["CHECK", "STATE", "DETAIL"], ["user", "ok", "root"], ["kvm", "missing", "none"], ["get\\x1b one"],
                ["STAGE1", "BACKEND", "STATE", "ISOLATION", "DETAIL"],
                ["*s:1", "*a", "limited", "emulation", "accelerator: tcg, as there is no device"],
                ["program: /p, 1"], ["user: u; system calls: filtered"], ["*s:1", "b", "failed", "-", "gone"],
                ["t", "-", "unknown", "-", "who knows"],
            ])
        #expect(text.contains("\n\n"))
        #expect(!DoctorTable.text(report, legend: false).contains("CHECK"))
    }
}
