// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import HostConfiguration
import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

/// What is configured of measuring pods.
struct MeasurementConfigurationTests {
    private let scratch: ScratchDirectory

    init() throws { scratch = try ScratchDirectory() }

    private func write(_ place: String, _ name: String, _ fields: String) throws {
        let directory = scratch.appending(place).appending("measurement.d")
        try FileSystem.makeDirectories(directory)
        let text = #"{"rktKind":"measurement","rktVersion":"v1"\#(fields)}"#
        try FileSystem.write(text.utf8, to: directory.appending(name))
    }

    private func read() throws -> MeasurementConfiguration {
        let places = ["system", "local"].map { ConfigurationPlace(scratch.appending($0)) }
        return try HostConfiguration(reading: places, [MeasurementConfiguration.self])[MeasurementConfiguration.self]
    }

    @Test func aLaterDirectoryOverridesEachField() throws {
        try write("system", "a.json", #","tpm":"required","tcti":"device:/dev/tpm0""#)
        try write("local", "a.json", #","tpm":"off""#)
        let configuration = try read()
        #expect(configuration.tpm == .off)
        #expect(configuration.tcti == "device:/dev/tpm0")
        #expect(
            configuration.entries.map { JSONValue.object($0).encoded() }
                == [#"{"tpm":"off","tcti":"device:/dev/tpm0"}"#])
    }

    @Test(arguments: [
        (#","tpm":"maybe""#, "\"maybe\" is not a known policy: use auto, required or off"),
        (#","tcti":"a b""#, "no way to a TPM"), (#","tcti":"\u0007""#, "control characters"), (#","tpm":1"#, "tpm"),
    ])
    func whatIsNotKnownIsRefused(fields: String, words: String) throws {
        try write("local", "a.json", fields)
        let error = #expect(throws: RuntimeError.self) { try read() }
        #expect(error?.description.contains(words) == true, "\(String(describing: error))")
    }

    @Test func theSameThingSaidTwiceIsRefused() throws {
        try write("local", "a.json", #","tpm":"auto""#)
        try write("local", "b.json", #","tpm":"auto""#)
        #expect(throws: RuntimeError.self) { try read() }
    }

    @Test func aPodKeepsWhatWasConfigured() throws {
        try write("local", "a.json", #","tpm":"required","tcti":"swtpm:port=1""#)
        let file = scratch.appending("measurement.json")
        try read().write(pod: file)
        #expect(try MeasurementConfiguration(pod: file) == read())
        #expect(try MeasurementConfiguration(pod: scratch.appending("none")) == MeasurementConfiguration())
    }
}
