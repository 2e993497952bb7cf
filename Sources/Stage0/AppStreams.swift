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

    /// Refuses modes that do not exist, or not yet.
    static func check(_ request: AppRequest) throws {
        for stream in allCases {
            guard let mode = stream.mode(request) else { continue }
            switch (mode, stream) {
            case ("null", _), ("log", .stdout), ("log", .stderr): continue
            case ("tty", _), ("stream", _):
                throw RuntimeError(
                    .unsupported,
                    "--\(stream.rawValue)=\(mode) is not supported yet: apps cannot be attached to; use --interactive")
            default:
                let known = stream == .stdin ? "null, tty and stream" : "log, null, tty and stream"
                throw RuntimeError(.invalidArgument, "--\(stream.rawValue)=\(mode) is none of \(known)")
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
