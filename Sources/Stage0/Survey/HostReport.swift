// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import SystemPackage

/// A stage1 image and what it says of this host.
package struct Stage1Report: Sendable, Equatable {
    package enum Outcome: Sendable, Equatable {
        case answer(Stage1Answer)
        /// It cannot be asked, which does not keep it from running pods.
        case silent(String)
        /// It runs no pods.
        case failed(String)
    }

    /// The image's name; where there is no image, what it was looked for as.
    package let name: String
    package let version: String?
    /// Its file; nil for one of the store.
    package let file: FilePath?
    /// Whether pods get it that ask for none.
    package let isDefault: Bool
    package let outcome: Outcome

    package init(name: String, version: String? = nil, file: FilePath? = nil, isDefault: Bool, outcome: Outcome) {
        self.name = name
        self.version = version
        self.file = file
        self.isDefault = isDefault
        self.outcome = outcome
    }

    /// Whether its pods could be run, as far as anybody has told.
    package var isUsable: Bool {
        switch outcome {
        case .answer(let answer): answer.backends.contains { $0.isChosen && $0.problems.isEmpty }
        case .silent: true
        case .failed: false
        }
    }
}

/// What a host can run, and why not.
package struct HostReport: Sendable, Equatable {
    package let checks: [HostCheck]
    package let stage1Images: [Stage1Report]

    package init(checks: [HostCheck], stage1Images: [Stage1Report]) {
        self.checks = checks
        self.stage1Images = stage1Images
    }

    /// Whether the caller can run a pod without naming a stage1 image.
    package var isRunnable: Bool {
        !checks.contains(where: \.isObstacle) && stage1Images.contains { $0.isDefault && $0.isUsable }
    }
}

// MARK: - JSON

extension HostReport {
    package var json: JSONValue {
        [
            "runnable": .bool(isRunnable), "checks": .array(checks.map(\.json)),
            "stage1": .array(stage1Images.map(\.json)),
        ]
    }
}

extension HostCheck {
    fileprivate var json: JSONValue {
        [
            "check": .string(name), "state": .string(state.rawValue), "required": .bool(isRequired),
            "details": .array(details.map { .string($0) }),
        ]
    }
}

extension Stage1Report {
    fileprivate var json: JSONValue {
        var object = JSONObject()
        object.set("image", .string(name))
        if let version { object.set("version", .string(version)) }
        if let file { object.set("file", .string(file.string)) }
        object.set("default", .bool(isDefault))
        object.set("usable", .bool(isUsable))
        switch outcome {
        case .answer(let answer): object.set("backends", .array(answer.backends.map(\.json)))
        case .silent(let reason), .failed(let reason): object.set("problem", .string(reason))
        }
        return .object(object)
    }
}

extension Stage1Answer.Backend {
    var json: JSONValue {
        var object = JSONObject()
        func set(_ key: String, _ text: String?, in object: inout JSONObject) {
            if let text { object.set(key, .string(text)) }
        }
        object.set("name", .string(name))
        object.set("chosen", .bool(isChosen))
        object.set("state", .string(state.rawValue))
        set("isolation", isolation, in: &object)
        set("accelerator", accelerator, in: &object)
        set("acceleratorFallback", acceleratorFallback, in: &object)
        object.set(
            "programs",
            .array(
                programs.map { program in
                    var member = JSONObject()
                    set("name", program.name, in: &member)
                    set("path", program.path, in: &member)
                    set("version", program.version, in: &member)
                    set("digest", program.digest, in: &member)
                    set("problem", program.problem, in: &member)
                    return .object(member)
                }))
        var limits = JSONObject()
        for (name, value) in confinement { limits.set(name, .string(value)) }
        object.set("confinement", .object(limits))
        object.set("problems", .array(problems.map { .string($0) }))
        return .object(object)
    }
}
