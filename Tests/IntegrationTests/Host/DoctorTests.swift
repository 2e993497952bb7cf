// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Glibc
import Hypervisor
import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

/// What `rkt doctor` says of the host that runs the tests.
@Suite(.requiresBuild, .requiresRoot, .requiresQEMU, .podLogs, .timeLimit(.minutes(5)))
struct DoctorTests {
    /// Runs it, and looks whether anything has come into being.
    private func doctor(_ fixture: PodFixture, _ arguments: String...) async throws -> HostProcess.Outcome {
        let temporary = fixture.path("temporary")
        if !FileSystem.exists(temporary) { try FileSystem.makeDirectory(temporary) }
        let outcome = try await fixture.rkt(["doctor"] + arguments, environment: ["TMPDIR": temporary.string])
        #expect(!FileSystem.exists(fixture.data))
        #expect(try FileSystem.list(temporary) == [])
        return outcome
    }

    private func parsed(_ outcome: HostProcess.Outcome) throws -> JSONValue {
        try JSONValue(parsing: Array(outcome.output.utf8))
    }

    /// The backend that pods get which ask for nothing.
    private func chosen(_ object: JSONValue) throws -> JSONValue {
        let image = try #require(object["stage1"]?.array?.first { $0["default"]?.bool == true })
        return try #require(image["backends"]?.array?.first { $0["chosen"]?.bool == true }, "\(object.encoded())")
    }

    @Test func thisHostRunsPods() async throws {
        try await PodFixture.with(seeded: false) { fixture in
            let outcome = try await doctor(fixture, "--format=json")
            #expect(outcome.status == 0, "\(outcome.output)")
            #expect(outcome.error == "")
            let object = try parsed(outcome)
            #expect(object["runnable"]?.bool == true)
            #expect(object["checks"]?.array?.first?["check"]?.string == "user")
            let backend = try chosen(object)
            #expect(backend["problems"]?.array?.isEmpty == true)
            // As for a pod.
            let facts = AcceleratorFacts.probe()
            #expect(backend["accelerator"]?.string == (facts.problem == nil ? "kvm" : "tcg"))
            #expect(backend["isolation"]?.string == (facts.problem == nil ? "confined" : "emulation"))
            for program in backend["programs"]?.array ?? [] {
                #expect(program["path"]?.string != nil && program["version"]?.string != nil, "\(program.encoded())")
            }
            let images = object["stage1"]?.array ?? []
            let backends = images.flatMap { $0["backends"]?.array ?? [] }.compactMap { $0["name"]?.string }
            #expect(Set(backends).isSuperset(of: ["qemu", "lkvm", "nspawn", "fly"]), "\(outcome.output)")

            let table = try await doctor(fixture)
            #expect(table.status == 0)
            #expect(table.lines.first?.hasPrefix("CHECK") == true)
            #expect(table.lines.contains { $0.hasPrefix("*coreos.com/rkt/stage1-kvm") }, "\(table.output)")
        }
    }

    @Test(arguments: [
        (#""binary":"/nonexistent/qemu""#, ["\"/nonexistent/qemu\"", "\"binary\""]),
        (#""accelerator":"tcg","minimumIsolation":"virtualization""#, ["\"emulation\"", "minimumIsolation"]),
        (#""backend":"lkvm","binary":"/bin/false""#, ["\"/bin/false\" does not tell its version"]),
    ])
    func whatIsConfiguredCountsAndTheReasonIsTold(fields: String, words: [String]) async throws {
        try await PodFixture.with(seeded: false) { fixture in
            try fixture.configure("hypervisor", fields)
            let outcome = try await doctor(fixture, "--format=json")
            #expect(outcome.status == 1)
            let object = try parsed(outcome)
            #expect(object["runnable"]?.bool == false)
            let problems = try chosen(object)["problems"]?.array?.compactMap(\.string).joined(separator: "\n") ?? ""
            for word in words { #expect(problems.contains(word), "\(problems)") }
            let table = try await doctor(fixture)
            #expect(table.status == 1)
            for word in words { #expect(table.output.contains(word), "\(table.output)") }
        }
    }

    @Test func aBrokenConfigurationIsNamed() async throws {
        try await PodFixture.with(seeded: false) { fixture in
            try fixture.configure("paths", #""data":"relative""#)
            try fixture.configure("hypervisor", #""backend":"bochs""#)
            let outcome = try await doctor(fixture, "--format=json")
            #expect(outcome.status == 1)
            let checks = try parsed(outcome)["checks"]?.array ?? []
            let check = checks.first { $0["check"]?.string == "configuration" }
            #expect(check?["state"]?.string == "failed")
            let text = check?["details"]?.encoded() ?? ""
            #expect(text.contains("paths.d/test.json") && text.contains("hypervisor.d/test.json"), "\(text)")
        }
    }
}
