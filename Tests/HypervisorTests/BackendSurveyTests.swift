// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Hypervisor
import Testing

struct BackendSurveyTests {
    private static let confinement = SurveyedConfinement(
        user: "root", capabilities: "all", systemCalls: "not filtered", namespaces: "none")

    private func survey(_ level: IsolationLevel, least: IsolationLevel?, _ programs: [SurveyedProgram] = [])
        -> BackendSurvey
    {
        BackendSurvey(
            .fly, isolation: level, SurveyRequest(minimumIsolation: least), programs: programs,
            confinement: Self.confinement)
    }

    @Test func `less isolation than is wanted is a problem with a remedy`() {
        let problems = survey(.emulation, least: .virtualization).problems
        #expect(problems.count == 1)
        for word in ["\"virtualization\"", "\"emulation\"", "/dev/kvm", "minimumIsolation"] {
            #expect(problems.first?.contains(word) == true, "\(problems)")
        }
    }

    @Test(arguments: [nil, IsolationLevel.chroot, .emulation])
    func `enough isolation is none`(least: IsolationLevel?) {
        #expect(survey(.emulation, least: least).problems == [])
    }

    @Test func `what is wrong with programs is wrong with the backend`() {
        let programs = [
            SurveyedProgram("one", path: "/bin/one", version: "1"),
            SurveyedProgram("two", path: nil, problem: "two is not in PATH; install it"),
        ]
        #expect(survey(.chroot, least: nil, programs).problems == ["two is not in PATH; install it"])
    }
}
