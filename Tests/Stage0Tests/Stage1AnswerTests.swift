// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import Stage0
import Testing

/// What a stage1 image says of a host is read with care.
struct Stage1AnswerTests {
    private func answer(_ text: String) throws -> Stage1Answer { try Stage1Answer(parsing: Array(text.utf8)) }

    private static let good = """
        {"backends":[{"name":"a","chosen":true,"isolation":"emulation","accelerator":"tcg",
          "acceleratorFallback":"no device","programs":[{"name":"p","path":"/p","version":"1","digest":"sha512-0"}],
          "confinement":{"user":"u","other":"x","root":"host"},"problems":[],"new":1},
         {"name":"b","programs":[{"name":"q","problem":"gone"}],"problems":["q is gone"]},
         {"name":"c","problems":["broken"]}]}
        """

    @Test func aGoodAnswerIsUnderstood() throws {
        let backends = try answer(Self.good).backends
        #expect(backends.map(\.name) == ["a", "b", "c"])
        #expect(backends.map(\.isChosen) == [true, false, false])
        #expect(backends.map(\.state) == [.limited, .missing, .failed])
        #expect(backends[0].confinement.map(\.name) == ["user", "root"])
        #expect(backends[0].programs.map(\.digest) == ["sha512-0"])
        #expect(backends[0].acceleratorFallback == "no device")
        #expect(backends[1].problems == ["q is gone"])
    }

    @Test func whatItSaysCommandsNoTerminal() throws {
        let backends = try answer(#"{"backends":[{"name":"a\u001b[31m\n","chosen":true}]}"#).backends
        #expect(backends.map(\.name) == ["a\\x1b[31m\\x0a"])
    }

    @Test(arguments: [
        "", "no JSON", "[]", "{}", "1", #"{"backends":[]}"#, #"{"backends":{}}"#, #"{"backends":[1]}"#,
        #"{"backends":[{"chosen":true}]}"#, #"{"backends":[{"name":1,"chosen":true}]}"#,
        #"{"backends":[{"name":"","chosen":true}]}"#, #"{"backends":[{"name":"a"}]}"#,
        #"{"backends":[{"name":"a","chosen":"true"}]}"#,
        #"{"backends":[{"name":"a","chosen":true},{"name":"b","chosen":true}]}"#,
        #"{"backends":[{"name":"a","chosen":true,"problems":"broken"}]}"#,
        #"{"backends":[{"name":"a","chosen":true,"problems":[{}]}]}"#,
        #"{"backends":[{"name":"a","chosen":true,"programs":["p"]}]}"#,
        #"{"backends":[{"name":"a","chosen":true,"isolation":null}]}"#,
        #"{"backends":[{"name":"a","chosen":true,"confinement":{"user":[]}}]}"#,
    ])
    func anythingElseIsRefused(text: String) {
        let error = #expect(throws: RuntimeError.self) { try answer(text) }
        #expect(error?.message.contains("cannot be read") == true)
    }

    @Test func tooMuchIsRefused() {
        let long = String(repeating: "x", count: 1001)
        let many = Array(repeating: #"{"name":"a"}"#, count: 17).joined(separator: ",")
        for text in [
            #"{"backends":[{"name":"\#(long)","chosen":true}]}"#, #"{"backends":[\#(many)]}"#,
            Self.good + String(repeating: " ", count: Stage1Answer.limit),
        ] {
            #expect(throws: RuntimeError.self) { try answer(text) }
        }
    }

    // MARK: - The report

    private func report(_ outcome: Stage1Report.Outcome, _ check: HostCheck) -> HostReport {
        HostReport(
            checks: [check],
            stage1Images: [
                Stage1Report(name: "example.com/s", version: "1", file: "/s.aci", isDefault: true, outcome: outcome),
                Stage1Report(name: "other", isDefault: false, outcome: .failed("no")),
            ])
    }

    @Test func podsRunWhereNothingRequiredIsMissingAndTheDefaultImageCan() throws {
        let fine = HostCheck("user", .ok, isRequired: true, "root")
        let good = Stage1Report.Outcome.answer(try answer(Self.good))
        #expect(report(good, fine).isRunnable)
        #expect(report(.silent("nobody knows"), fine).isRunnable)
        #expect(!report(.failed("broken"), fine).isRunnable)
        #expect(!report(good, HostCheck("user", .failed, isRequired: true, "no")).isRunnable)
        #expect(report(good, HostCheck("data-directory", .limited, isRequired: true, "full")).isRunnable)
        #expect(report(good, HostCheck("kvm", .missing, "none")).isRunnable)
        let broken = try answer(#"{"backends":[{"name":"a","chosen":true,"problems":["x"]},{"name":"b"}]}"#)
        #expect(!report(.answer(broken), fine).isRunnable)
        #expect(!HostReport(checks: [fine], stage1Images: []).isRunnable)
    }

    @Test func theObjectHasTheKeysThatAreDocumented() throws {
        let answer = try answer(
            #"{"backends":[{"name":"a","chosen":true,"isolation":"container","confinement":{"user":"u"}}]}"#)
        let json = report(.answer(answer), HostCheck("kvm", .missing, "none", "get one")).json.encoded(pretty: false)
        #expect(
            json
                == #"{"runnable":true,"checks":[{"check":"kvm","state":"missing","required":false,"#
                + #""details":["none","get one"]}],"stage1":[{"image":"example.com/s","version":"1","file":"/s.aci","#
                + #""default":true,"usable":true,"backends":[{"name":"a","chosen":true,"state":"ok","#
                + #""isolation":"container","programs":[],"confinement":{"user":"u"},"problems":[]}]},"#
                + #"{"image":"other","default":false,"usable":false,"problem":"no"}]}"#)
    }
}
