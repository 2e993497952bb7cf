// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import LinuxPlatform
import Stage0
import SystemPackage
import TestSupport
import Testing

/// Asking stage1 images whose survey entrypoints are shell scripts.
struct HostReportTests {
    private let scratch: ScratchDirectory
    private var installed: FilePath { scratch.appending("installed") }
    private var configuration: FilePath { scratch.appending("etc") }
    private var question: FilePath { scratch.appending("question") }

    init() throws {
        scratch = try ScratchDirectory()
        try FileSystem.makeDirectory(installed)
        try FileSystem.makeDirectory(configuration)
    }

    private static let answer = #"{"backends":[{"name":"a","chosen":true,"isolation":"container"}]}"#

    /// Writes a stage1 image.
    ///
    /// - Parameter script: the survey entrypoint's; nil for an image that has none.
    private func install(
        _ file: String, _ script: String?, name: String = "example.com/stage1", extra: String = "",
        hasProgram: Bool = true
    ) throws {
        let entrypoints = ["run"] + (script == nil ? [] : ["survey"])
        let annotations = entrypoints.map { #"{"name":"coreos.com/rkt/stage1/\#($0)","value":"/ex/\#($0)"}"# }
        var tar = TarFixture.image(
            TarFixture.manifest(
                name: name, extra: #","annotations":[\#(annotations.joined(separator: ","))]\#(extra)"#))
        tar.add("rootfs/ex", .directory, mode: 0o755)
        if let script, hasProgram {
            tar.add("rootfs/ex/survey", .symbolicLink, link: "all")
            tar.add("rootfs/ex/all", "#!/bin/sh\n\(script)\n", mode: 0o755)
        }
        try FileSystem.write(tar.bytes(), to: installed.appending(file))
    }

    private func configure(_ kind: String, _ fields: String) throws {
        let directory = configuration.appending("\(kind).d")
        try FileSystem.makeDirectories(directory)
        let text = #"{"rktKind":"\#(kind)","rktVersion":"v1",\#(fields)}"#
        try FileSystem.write(text.utf8, to: directory.appending("test.json"))
    }

    private func report() throws -> HostReport {
        var settings = Settings(
            dataDirectory: scratch.appending("data"), systemConfiguration: scratch.appending("usr"),
            localConfiguration: configuration)
        settings.stage1Images = installed
        let report = try PodRuntime(settings).survey()
        #expect(!FileSystem.exists(scratch.appending("data")))
        return report
    }

    @Test func theDefaultImageIsAskedFirstAndTheOthersAfterIt() throws {
        try install("stage1-kvm.aci", "cat >\(question); echo '\(Self.answer)'")
        try install("stage1-a.aci", nil, name: "example.com/silent")
        try install("other.aci", "exit 1")
        try configure("hypervisor", #""accelerator":"tcg""#)
        let images = try report().stage1Images
        #expect(images.map(\.name) == ["example.com/stage1", "example.com/silent"])
        #expect(images.map(\.isDefault) == [true, false])
        #expect(images[0].version == "1.0.0")
        #expect(images[0].file == installed.appending("stage1-kvm.aci"))
        #expect(images[0].outcome == .answer(try Stage1Answer(parsing: Array(Self.answer.utf8))))
        guard case .silent = images[1].outcome else {
            Issue.record("\(images[1].outcome)")
            return
        }
        let asked = try JSONValue(parsing: FileSystem.read(question))
        #expect(asked["manifest"]?["name"]?.string == "example.com/stage1")
        #expect(asked["hypervisor"]?["accelerator"]?.string == "tcg")
    }

    private func failure() throws -> String {
        let image = try #require(try report().stage1Images.first)
        #expect(image.isDefault && !image.isUsable)
        guard case .failed(let reason) = image.outcome else { return "\(image.outcome)" }
        return reason
    }

    @Test(
        arguments: [
            ("echo broken >&2; exit 7", "broken"), ("kill -9 $$", "signal 9"), ("echo nothing", "cannot be read"),
            ("yes", "wrote more"), ("printf '\\033[1m' >&2; exit 1", "\\x1b[1m"),
        ])
    func anAnswerThatIsNoneIsAFailure(script: String, word: String) throws {
        try install("stage1-kvm.aci", script)
        let reason = try failure()
        #expect(reason.contains(word), "\(reason)")
    }

    @Test func anImageThatIsMissingOrBrokenIsAFailure() throws {
        #expect(try failure().contains("no stage1 image at \"\(installed)/stage1-kvm.aci\""))
        try FileSystem.write("no archive".utf8, to: installed.appending("stage1-kvm.aci"))
        #expect(!(try failure()).isEmpty)
        try FileSystem.write(TarFixture.image().bytes(), to: installed.appending("stage1-kvm.aci"))
        #expect(try failure().contains("no run entrypoint"))
    }

    @Test func anImageThatCannotBeAskedKeepsToNoMinimum() throws {
        try install("stage1-kvm.aci", nil)
        #expect(try report().stage1Images.first?.isUsable == true)
        try configure("hypervisor", #""minimumIsolation":"emulation""#)
        #expect(try failure().contains("minimumIsolation"))
    }

    @Test func theConfiguredImageIsTheDefault() throws {
        try install("mine.aci", "echo '\(Self.answer)'", name: "example.com/mine")
        try configure("stage1", #""location":"\#(installed)/mine.aci""#)
        let image = try report().stage1Images.first
        #expect(image?.name == "example.com/mine" && image?.isDefault == true)
        try configure("stage1", #""location":"https://example.com/none.aci""#)
        #expect(try failure().contains("https://example.com/none.aci"))
    }

    @Test func anImageOnTopOfAnotherIsAskedByTheProgramOfThatOne() throws {
        try install("stage1-base.aci", "echo '\(Self.answer)'", name: "example.com/stage1-base")
        let dependency = #","dependencies":[{"imageName":"example.com/stage1-base"}]"#
        try install("stage1-kvm.aci", "", name: "example.com/kernel", extra: dependency, hasProgram: false)
        let image = try report().stage1Images.first
        #expect(image?.name == "example.com/kernel")
        #expect(image?.outcome == .answer(try Stage1Answer(parsing: Array(Self.answer.utf8))))
    }

    @Test func everyBrokenFileIsNamed() throws {
        try configure("hypervisor", #""backend":"bochs""#)
        try configure("paths", #""data":"relative""#)
        try configure("auth", #""domains":[]"#)
        try FileSystem.makeDirectory(configuration.appending("net.d"))
        try FileSystem.write("{".utf8, to: configuration.appending("net.d").appending("n.conf"))
        let check = try #require(try report().checks.first { $0.name == "configuration" })
        #expect(check.isObstacle)
        #expect(check.details.count == 4)
        let text = check.details.joined(separator: "\n")
        for file in ["hypervisor.d/test.json", "paths.d/test.json", "auth.d/test.json", "net.d/n.conf"] {
            #expect(text.contains(file), "\(text)")
        }
    }

    @Test func aMistakeAmongCredentialsStopsNoPod() throws {
        try configure("auth", #""domains":[]"#)
        let check = try #require(try report().checks.first { $0.name == "configuration" })
        #expect(check.state == .limited && !check.isObstacle)
    }
}
