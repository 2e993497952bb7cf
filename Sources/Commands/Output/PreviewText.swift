// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics

/// What machine a pod would get, as `--dry-run` prints it.
package enum PreviewText {
    package static func text(_ preview: JSONValue, _ format: PreviewFormat) -> String {
        switch format {
        case .text: lines(preview)
        case .json: preview.encoded(pretty: false) + "\n"
        case .jsonPretty: preview.encoded(pretty: true) + "\n"
        }
    }

    /// `key=value` lines; each share and each isolator has one.
    private static func lines(_ preview: JSONValue) -> String {
        var lines: [String] = []
        func add(_ key: String, _ name: String, unit: String = "") {
            if let value = preview.value(forKey: key) { lines.append("\(name)=\(plain(value))\(unit)") }
        }
        add("backend", "backend")
        add("accelerator", "accelerator")
        add("acceleratorFallback", "accelerator-fallback")
        add("isolation", "isolation")
        add("memoryMiB", "memory", unit: "MiB")
        add("processors", "processors")
        for share in preview.value(forKey: "shares")?.array ?? [] {
            let words = ["type", "source"].compactMap { share.value(forKey: $0)?.string }
            let isReadOnly = share.value(forKey: "readOnly") == .bool(true)
            lines.append("share=\((words + (isReadOnly ? ["read-only"] : [])).joined(separator: " "))")
        }
        for network in preview.value(forKey: "networks")?.array ?? [] { lines.append("network=\(plain(network))") }
        for isolator in preview.value(forKey: "isolators")?.array ?? [] {
            let owner = isolator.value(forKey: "app")?.string ?? "the pod"
            let words = ["isolator", "effect"].compactMap { isolator.value(forKey: $0)?.string }
            let becomes = isolator.value(forKey: "becomes")?.string.map { ": \($0)" } ?? ""
            lines.append("isolator=\(([owner] + words).joined(separator: " "))\(becomes)")
        }
        for warning in preview.value(forKey: "warnings")?.array ?? [] { lines.append("warning=\(plain(warning))") }
        // Much of it comes from images.
        return lines.map { PrintableText.line($0) + "\n" }.joined()
    }

    private static func plain(_ value: JSONValue) -> String { value.string ?? value.encoded() }
}
