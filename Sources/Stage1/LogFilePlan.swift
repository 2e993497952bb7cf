// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import SystemPackage

/// The file of the host that gets the lines of an app, beside the pod's journal, as orchestrators ask for it by annotations of
/// the pod's manifest. What images say does not count.
package struct LogFilePlan: Equatable, Sendable {
    /// Pod annotation: how log files are written.
    static let modeAnnotation = "coreos.com/rkt/experiment/logmode"
    /// Pod annotation: an absolute directory.
    static let directoryAnnotation = "coreos.com/rkt/experiment/kubernetes-log-dir"
    /// App annotation: a file below that directory.
    static let pathAnnotation = "coreos.com/rkt/experiment/kubernetes-log-path"

    /// Below this no link is followed.
    package let directory: FilePath
    /// Absolute.
    package let file: FilePath

    /// - Returns: nil for an app without a file.
    /// - Throws: when the annotations name none.
    package init?(_ manifest: PodManifest, app name: String) throws {
        guard let directory = try Self.directory(manifest),
            let text = manifest.app(named: name)?.annotations[Self.pathAnnotation]
        else { return nil }
        let path = FilePath(text)
        guard path.isRelative, Self.isPlain(text) else {
            throw RuntimeError(
                .invalidArgument,
                "the annotation \(Self.pathAnnotation) of app \(name) is \"\(text)\"; name a file below "
                    + "\(directory), without \"..\"")
        }
        self.directory = directory
        file = directory.pushing(path)
    }

    /// Where the pod's log files are; nil for a pod without them.
    static func directory(_ manifest: PodManifest) throws -> FilePath? {
        guard let mode = manifest.annotation(modeAnnotation) else { return nil }
        guard mode == "k8s-plain" else {
            throw RuntimeError(
                .unsupported, "the pod's annotation \(modeAnnotation) is \"\(mode)\"; this stage1 knows \"k8s-plain\"")
        }
        let text = manifest.annotation(directoryAnnotation) ?? ""
        guard FilePath(text).isAbsolute, isPlain(text) else {
            throw RuntimeError(
                .invalidArgument,
                "the pod's annotation \(directoryAnnotation) is \"\(text)\"; name an absolute directory "
                    + "without \"..\"")
        }
        return FilePath(text)
    }

    private static func isPlain(_ text: String) -> Bool {
        let components = FilePath(text).components
        return !text.utf8.contains(0) && !components.isEmpty && components.allSatisfy { $0.kind == .regular }
    }
}
