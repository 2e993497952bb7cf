// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics

/// Isolators given on the command line; each replaces those of the image that say the same thing.
struct IsolatorOverrides {
    private struct Override {
        let flag: String
        /// Names of the image's isolators that it takes the place of.
        let replaced: [String]
        let name: String
        let value: JSONValue
    }

    private static let capabilities = ["os/linux/capabilities-retain-set", "os/linux/capabilities-remove-set"]
    private static let seccomp = ["os/linux/seccomp-retain-set", "os/linux/seccomp-remove-set"]
    private let overrides: [Override]

    init(_ request: AppRequest) throws {
        var overrides: [Override] = []
        func add(
            _ flag: String, _ text: String?, _ name: String, replacing: [String]? = nil,
            _ value: (String) throws -> JSONValue
        ) throws {
            guard let text else { return }
            overrides.append(
                Override(flag: "\(flag)=\(text)", replaced: replacing ?? [name], name: name, value: try value(text)))
        }
        try add("--memory", request.memory, "resource/memory") { ["limit": .string($0)] }
        try add("--cpu", request.cpu, "resource/cpu") { ["limit": .string($0)] }
        try add("--cpu-shares", request.cpuShares, "os/linux/cpu-shares") { try Self.number($0, "--cpu-shares") }
        try add("--oom-score-adj", request.oomScoreAdjust, "os/linux/oom-score-adj") {
            try Self.number($0, "--oom-score-adj")
        }
        try add("--caps-retain", request.capabilitiesRetain, Self.capabilities[0], replacing: Self.capabilities) {
            Self.set($0)
        }
        try add("--caps-remove", request.capabilitiesRemove, Self.capabilities[1], replacing: Self.capabilities) {
            Self.set($0)
        }
        if let text = request.seccomp {
            let (isRetain, value) = try Self.filter(text)
            overrides.append(
                Override(
                    flag: "--seccomp=\(text)", replaced: Self.seccomp, name: Self.seccomp[isRetain ? 0 : 1],
                    value: value))
        }
        self.overrides = overrides
    }

    /// The image's isolators with the overrides in place.
    func applied(to isolators: [Isolator]) throws -> [Isolator] {
        let replaced = Set(overrides.flatMap(\.replaced))
        return isolators.filter { !replaced.contains($0.name) }
            + (try overrides.map { override in
                do {
                    let isolator = try Isolator(name: override.name, value: override.value)
                    // Names of capabilities are looked at when the set is made.
                    _ = try [isolator].capabilityBoundingSet()
                    return isolator
                } catch {
                    throw RuntimeError(.invalidArgument, "\(override.flag) is not valid", cause: error)
                }
            })
    }

    private static func number(_ text: String, _ flag: String) throws -> JSONValue {
        guard let number = Int(text) else {
            throw RuntimeError(.invalidArgument, "\(flag)=\(text) is not a whole number")
        }
        return JSONValue(number)
    }

    private static func set(_ list: String) -> JSONValue {
        ["set": .array(list.split(separator: ",").map { .string(String($0)) })]
    }

    /// Reads `mode=retain|remove[,errno=NAME],name…`.
    private static func filter(_ text: String) throws -> (isRetain: Bool, value: JSONValue) {
        func invalid(_ reason: String) -> RuntimeError {
            RuntimeError(
                .invalidArgument, "--seccomp=\(text): \(reason); expected mode=retain|remove[,errno=NAME],CALL,…")
        }
        var isRetain: Bool?
        var errno: String?
        var calls: [JSONValue] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            switch (pair[0], pair.count) {
            case ("mode", 2) where pair[1] == "retain" || pair[1] == "remove": isRetain = pair[1] == "retain"
            case ("mode", _): throw invalid("unknown mode")
            case ("errno", 2): errno = String(pair[1])
            case (_, 2): throw invalid("unknown key \"\(pair[0])\"")
            case ("", _): throw invalid("an empty name")
            default: calls.append(.string(String(part)))
            }
        }
        guard let isRetain else { throw invalid("the mode is missing") }
        guard !calls.isEmpty else { throw invalid("no system call is named") }
        var object = JSONObject()
        object.set("set", .array(calls))
        if let errno { object.set("errno", .string(errno)) }
        return (isRetain, .object(object))
    }
}
