// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import Hypervisor
import Stage1
import Testing

/// The question that stage0 asks a stage1 image about a host, and the answer.
struct HostSurveyTests {
    private static let manifest = """
        {"acKind":"ImageManifest","acVersion":"0.8.11","name":"example.com/stage1",
         "annotations":[{"name":"coreos.com/rkt/stage1/hypervisor","value":"some"}]}
        """

    private func survey(_ question: String) throws -> HostSurvey { try HostSurvey(parsing: Array(question.utf8)) }

    @Test func theQuestionSaysWhichBackendAndWhatIsConfigured() throws {
        let configured = try survey(
            """
            {"manifest":\(Self.manifest),"hypervisor":
             {"backend":"lkvm","binary":"/x/lkvm","accelerator":"kvm","minimumIsolation":"confined"},
             "programs":"/usr/libexec/rkt"}
            """)
        #expect(configured.backend == "some")
        #expect(configured.choice == BackendChoice(.lkvm, binary: "/x/lkvm", programs: "/usr/libexec/rkt"))
        #expect(configured.request == SurveyRequest(accelerator: .kvm, minimumIsolation: .confined))
        let plain = try survey(#"{"manifest":\#(Self.manifest)}"#)
        #expect(plain.choice == BackendChoice())
        #expect(plain.request == SurveyRequest())
    }

    @Test(arguments: [
        "", "[]", "{}", #"{"manifest":1}"#, #"{"manifest":{}}"#,
        #"{"manifest":\#(manifest),"hypervisor":[]}"#,
        #"{"manifest":\#(manifest),"hypervisor":{"backend":"bochs"}}"#,
    ])
    func aQuestionThatIsNoneIsRefused(question: String) {
        #expect(throws: (any Error).self) { try survey(question) }
    }

    @Test(.enabled(if: !SELinuxHost.isEnabled, "a host without SELinux")) func theAnswerHasAnObjectForEachBackend() {
        let request = SurveyRequest()
        let confinement = SurveyedConfinement(user: "u", capabilities: "c", systemCalls: "s", namespaces: "n")
        var chosen = BackendSurvey(
            .qemu, isolation: .emulation, request,
            programs: [
                SurveyedProgram("one", path: "/nonexistent/one", version: "1"),
                SurveyedProgram("two", path: nil, problem: "no"),
            ], accelerator: AcceleratorChoice(.tcg, fallbackReason: "because"), confinement: confinement)
        chosen.isChosen = true
        let other = BackendSurvey(.lkvm, problems: ["broken"])
        #expect(
            HostSurvey.answer([chosen, other]).encoded(pretty: false)
                == #"{"backends":[{"name":"qemu","chosen":true,"problems":["no"],"isolation":"emulation","#
                + #""accelerator":"tcg","acceleratorFallback":"because","#
                + #""programs":[{"name":"one","path":"/nonexistent/one","version":"1"},{"name":"two","problem":"no"}],"#
                + #""confinement":{"user":"u","capabilities":"c","systemCalls":"s","namespaces":"n","#
                + #""root":"host","limits":"those of rkt","selinux":"none"}},"#
                + #"{"name":"lkvm","chosen":false,"problems":["broken"],"programs":[]}]}"#)
    }
}
