// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import LinuxPlatform
import SystemPackage

/// The kind `measurement`: whether what pods are made of is measured into a TPM.
package struct MeasurementConfiguration: ConfigurationKind, Equatable {
    package static let name = "measurement"
    package static let directory = "measurement.d"

    /// What becomes of a pod that cannot be measured.
    package enum Policy: String, Sendable, CaseIterable {
        /// Pods are measured where the host has a TPM and the tools for it; what fails is a warning.
        case auto
        /// It is not started.
        case required
        /// Nothing is measured.
        case off

        /// What is used when nothing is configured.
        package static let standard = Policy.auto
    }

    package private(set) var tpm: Policy?
    /// How the tools reach the TPM, as their option `--tcti` has it; nil for the device of the host.
    package private(set) var tcti: String?

    /// Characters of a `tcti`.
    private static let longestPath = 256

    package init() {}

    package mutating func add(_ document: ConfigurationDocument) throws {
        let policy = document.root["tpm"]
        if let text = try policy.string() {
            guard let value = Policy(rawValue: text) else {
                throw policy.failure("\(ScalarError.quoted(text)) is not a known policy: use auto, required or off")
            }
            guard tpm == nil else { throw policy.failure("another file of this directory has set it already") }
            tpm = value
        }
        let path = document.root["tcti"]
        if let text = try path.string() {
            guard !text.isEmpty, text.utf8.count <= Self.longestPath, text.utf8.allSatisfy({ (33...126).contains($0) })
            else {
                throw path.failure(
                    "\(ScalarError.quoted(text)) is no way to a TPM: use one such as device:/dev/tpmrm0 or "
                        + "swtpm:host=127.0.0.1,port=2321")
            }
            guard tcti == nil else { throw path.failure("another file of this directory has set it already") }
            tcti = text
        }
    }

    package mutating func override(with later: MeasurementConfiguration) {
        tpm = later.tpm ?? tpm
        tcti = later.tcti ?? tcti
    }

    package var entries: [JSONObject] {
        var object = JSONObject()
        if let tpm { object.set("tpm", .string(tpm.rawValue)) }
        if let tcti { object.set("tcti", .string(tcti)) }
        return object.members.isEmpty ? [] : [object]
    }
}
