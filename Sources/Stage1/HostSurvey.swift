// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import HostConfiguration
import Hypervisor
import Measurement
import SystemPackage

/// The `survey` entrypoint: what this host can do for pods of the stage1 image, before there is any pod.
package struct HostSurvey {
    /// Bytes of the question: a manifest, and a configuration file.
    package static let questionLimit = 8 << 20

    /// The name that the stage1 image gives a backend; nil for none.
    package let backend: String?
    package let choice: BackendChoice
    package let request: SurveyRequest

    /// Reads the question: a JSON object with the stage1 image's `manifest` and, if anything is configured for machines,
    /// `hypervisor`, which is a file of that kind. `programs` is where the programs are that were installed with rkt.
    package init(parsing question: [UInt8]) throws {
        let document: JSONValue
        do throws(JSONSyntaxError) {
            document = try JSONValue(parsing: question)
        } catch {
            throw RuntimeError(.invalidArgument, "the question is not JSON: \(error)")
        }
        guard let manifest = document["manifest"] else {
            throw RuntimeError(.invalidArgument, "the question has no \"manifest\"")
        }
        backend = try ImageManifest(parsing: Array(manifest.encoded().utf8)).annotation(Stage1Program.backendAnnotation)
        var configuration = HypervisorConfiguration()
        if let given = document["hypervisor"] {
            try configuration.add(
                ConfigurationDocument(parsing: Array(given.encoded().utf8), path: "hypervisor.json"))
        }
        choice = BackendChoice(
            configuration.backend, binary: configuration.binary,
            programs: document["programs"]?.string.map { FilePath($0) })
        request = SurveyRequest(
            accelerator: configuration.accelerator ?? .auto, minimumIsolation: configuration.minimumIsolation)
    }

    /// The answer: an object with the list `backends`.
    package static func answer(_ surveys: [BackendSurvey]) -> JSONValue {
        ["backends": .array(surveys.map(object))]
    }

    private static func object(_ survey: BackendSurvey) -> JSONValue {
        var object = JSONObject()
        object.set("name", .string(survey.kind.rawValue))
        object.set("chosen", .bool(survey.isChosen))
        object.set("problems", .array(survey.problems.map { .string($0) }))
        if let isolation = survey.isolation { object.set("isolation", .string(isolation.rawValue)) }
        if let choice = survey.accelerator {
            object.set("accelerator", .string(choice.accelerator.rawValue))
            if let reason = choice.fallbackReason { object.set("acceleratorFallback", .string(reason)) }
        }
        object.set("programs", .array(survey.programs.map(program)))
        if let confinement = survey.confinement {
            object.set(
                "confinement",
                [
                    "user": .string(confinement.user), "capabilities": .string(confinement.capabilities),
                    "systemCalls": .string(confinement.systemCalls), "namespaces": .string(confinement.namespaces),
                    "root": .string(confinement.root), "limits": .string(confinement.limits),
                    "selinux": .string(SELinuxHost.isEnabled ? confinement.label : "none"),
                ])
        }
        return .object(object)
    }

    private static func program(_ program: SurveyedProgram) -> JSONValue {
        var object = JSONObject()
        object.set("name", .string(program.name))
        if let path = program.path { object.set("path", .string(path.string)) }
        if let version = program.version { object.set("version", .string(version)) }
        if let path = program.path, let result = try? DigestCache().digest(of: path) {
            object.set("digest", .string(result.digest))
        }
        if let problem = program.problem { object.set("problem", .string(problem)) }
        return .object(object)
    }
}
