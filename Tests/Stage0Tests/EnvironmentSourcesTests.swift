// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import AppContainer
import Diagnostics
import LinuxPlatform
import Stage0
import SystemPackage
import TestSupport
import Testing

struct EnvironmentSourcesTests {
    private func environment(_ variables: KeyValuePairs<String, String>) -> Environment {
        Environment(variables.map { EnvironmentVariable(name: $0.key, value: $0.value) })
    }

    @Test func strongerSourcesReplaceWeakerOnesWhereTheyStand() {
        var sources = EnvironmentSources()
        sources.inherited = environment(["A": "caller", "B": "caller", "C": "caller", "D": "caller", "E": "caller"])
        sources.files = environment(["B": "file", "C": "file", "D": "file"])
        sources.pod = environment(["C": "pod", "D": "pod"])
        let merged = sources.merged(
            image: environment(["D": "image", "B": "image", "E": "image"]), app: environment(["D": "app"]))
        #expect(merged.map { "\($0.name)=\($0.value)" } == ["D=app", "B=file", "E=image", "C=pod", "A=caller"])
    }

    @Test func filesHoldLinesAndComments() throws {
        let text = "# comment\n\n  ; another\nA=1\nB=x=y \r\n\tC=\nD=\"q\""
        let variables = try EnvironmentSources.parse(file: text, at: "/env")
        #expect(variables.map { "\($0.name)=\($0.value)" } == ["A=1", "B=x=y ", "C=", "D=\"q\""])
    }

    @Test(arguments: ["NOVALUE", "=x", "1A=x", "A B=x"])
    func malformedVariablesAreRefusedWithTheirPlace(text: String) {
        let error = #expect(throws: RuntimeError.self) {
            try EnvironmentSources.parse(file: "OK=1\n\(text)\n", at: "/env")
        }
        #expect(error?.description.hasPrefix("/env, line 2: ") == true)
    }

    @Test func aRequestReadsItsFilesInOrder() throws {
        let scratch = try ScratchDirectory()
        var request = PodRequest()
        for (name, text) in [("one", "A=1\nB=1\n"), ("two", "B=2\n")] {
            try FileSystem.write(text.utf8, to: scratch.appending(name))
            request.setEnvironmentFiles.append(scratch.appending(name))
        }
        request.setEnvironment = ["C=3", "C=4"]
        let merged = try EnvironmentSources(request).merged(image: [], app: [])
        #expect(merged.map { "\($0.name)=\($0.value)" } == ["A=1", "B=2", "C=4"])
    }

    @Test func theCallersVariablesComeOnlyWhenAskedFor() throws {
        var request = PodRequest()
        #expect(try EnvironmentSources(request).merged(image: [], app: []).isEmpty)
        request.inheritsEnvironment = true
        #expect(try EnvironmentSources(request).merged(image: [], app: [])["PATH"] == ProcessImage.variable("PATH"))
    }

    @Test func whatSystemdSaysToTheCallerIsNotPassedOn() {
        let environment = [
            "A=1", "NOTIFY_SOCKET=/run/systemd/notify", "WATCHDOG_USEC=1", "WATCHDOG_PID=2", "LISTEN_FDS=1",
            "LISTEN_PID=2", "LISTEN_FDNAMES=a", "LISTENER=3",
        ]
        #expect(EnvironmentSources.passedOn(environment).map(\.name) == ["A", "LISTENER"])
    }
}
