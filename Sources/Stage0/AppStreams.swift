// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics

/// A standard stream of an app. What it is connected to stands in an annotation of the app, which stage1 reads.
enum AppStream: String, CaseIterable {
    case stdin, stdout, stderr

    var annotation: ACIdentifier {
        switch self {
        case .stdin: "coreos.com/rkt/stage2/stdin"
        case .stdout: "coreos.com/rkt/stage2/stdout"
        case .stderr: "coreos.com/rkt/stage2/stderr"
        }
    }

    /// What was asked for on the command line.
    private func mode(_ request: AppRequest) -> String? {
        switch self {
        case .stdin: request.stdin
        case .stdout: request.stdout
        case .stderr: request.stderr
        }
    }

    /// Refuses modes that do not exist.
    static func check(_ request: AppRequest) throws {
        for stream in allCases {
            guard let mode = stream.mode(request), !stream.modes.contains(mode) else { continue }
            throw RuntimeError(
                .invalidArgument,
                "--\(stream.rawValue)=\(mode) is none of \(stream.modes.joined(separator: ", "))")
        }
    }

    private var modes: [String] { (self == .stdin ? [] : ["log"]) + ["null", "stream", "tty", Self.interactive] }

    /// The terminal of whoever runs the pod.
    private static let interactive = "interactive"

    /// Whether an app of the request is to have the caller's terminal, as with `--interactive`.
    static func needTerminal(_ request: PodRequest) -> Bool { request.apps.contains(where: needTerminal) }

    /// The same for one app.
    static func needTerminal(_ request: AppRequest) -> Bool { allCases.contains { $0.mode(request) == interactive } }

    /// Refuses what only `--interactive` gives.
    ///
    /// - Parameter isInteractive: whether that is there; it excludes all other modes.
    static func check(_ manifest: PodManifest, isInteractive: Bool) throws {
        for app in manifest.apps {
            for stream in allCases {
                guard let mode = app.annotations[stream.annotation.string] else { continue }
                switch (mode == interactive, isInteractive) {
                case (true, true), (false, false): continue
                case (false, true):
                    throw RuntimeError(
                        .invalidArgument,
                        "--interactive gives app \"\(app.name)\" a terminal; it excludes --\(stream.rawValue)=\(mode)")
                case (true, false):
                    throw RuntimeError(
                        .invalidArgument,
                        "\(stream.rawValue) of app \"\(app.name)\" is to be the caller's terminal; give --interactive")
                }
            }
        }
    }

    /// The annotations of an app.
    static func annotations(_ request: AppRequest) -> [Annotation] {
        allCases.compactMap { stream in
            stream.mode(request).map { Annotation(name: stream.annotation, value: $0) }
        }
    }
}
