// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import SystemPackage

/// One network: a plugin, or a chain of them, with what they are configured with.
package struct NetworkConfiguration: Sendable, Equatable {
    /// How a file holds a network.
    package enum Form: String, Sendable {
        /// One plugin; what it needs to know of the network stands beside what is its own.
        case single = "conf"
        /// Plugins that run one after the other.
        case list = "conflist"
    }

    package let name: String
    package let version: CNIVersion
    /// One at least, in the order of ADD.
    package let plugins: [PluginConfiguration]
    package let form: Form
    /// Whether CHECK is not to be run.
    package let disablesCheck: Bool
    /// Where it was read; nil for a network that comes with this program.
    package let file: FilePath?
    /// The document, byte for byte.
    package let document: [UInt8]

    /// The most bytes of a document, and the most plugins of a chain.
    static let sizeLimit = 1 << 20
    static let pluginLimit = 64

    /// - Throws: `RuntimeError` naming the file, and the line or field in it.
    package init(parsing document: [UInt8], _ form: Form, file: FilePath?) throws {
        let source = file.map { "network configuration \"\($0)\"" } ?? "built-in network configuration"
        let root: JSONField
        do throws(JSONSyntaxError) {
            root = JSONField(try JSONValue(parsing: document))
        } catch {
            throw RuntimeError(.invalidArgument, "\(source) is not JSON: \(error)")
        }
        do throws(FormatError) {
            guard try root.object() != nil else { throw root.failure("the file must hold an object") }
            name = try NetworkConfiguration.checkedName(root["name"])
            version = try CNIVersion.read(root["cniVersion"]) ?? .v0_1_0
            disablesCheck = form == .list ? try root["disableCheck"].flag() : false
            plugins = try NetworkConfiguration.plugins(root, form)
        } catch {
            throw RuntimeError(.invalidArgument, "\(source): \(error)")
        }
        self.form = form
        self.file = file
        self.document = document
    }

    /// Whether any of its plugins rewrites the pod's address on packets that leave the host.
    package var masquerades: Bool { plugins.contains(where: \.masquerades) }
    /// Whether one of its plugins makes port mappings.
    package var mapsPorts: Bool { plugins.contains(where: \.mapsPorts) }

    private static func plugins(_ root: JSONField, _ form: Form) throws(FormatError) -> [PluginConfiguration] {
        switch form {
        case .single:
            guard root["plugins"].value == nil else {
                throw root["plugins"].failure("a chain of plugins belongs into a file that ends in .conflist")
            }
            return [try PluginConfiguration(root)]
        case .list:
            var plugins: [PluginConfiguration] = []
            for field in try root["plugins"].elements(limit: pluginLimit) {
                plugins.append(try PluginConfiguration(field))
            }
            guard !plugins.isEmpty else { throw root["plugins"].failure("must hold one plugin at least") }
            return plugins
        }
    }

    /// The rule of CNI 1.0.0. What is allowed is safe in paths, in lists of `--net`, and in comments of rules.
    private static func checkedName(_ field: JSONField) throws(FormatError) -> String {
        let name = try field.requiredString(limit: 255)
        guard isName(name) else {
            throw field.failure(
                "\(ScalarError.quoted(name)) is not the name of a network: letters, digits and any of _.-, "
                    + "a letter or digit first")
        }
        guard !NetworkSelection.reservedNames.contains(name) else {
            throw field.failure("\"\(name)\" cannot be the name of a network: it has a meaning of its own for --net")
        }
        return name
    }

    static func isName(_ text: String) -> Bool {
        func isAlphanumeric(_ byte: UInt8) -> Bool {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            default: false
            }
        }
        guard let first = text.utf8.first, isAlphanumeric(first), text.utf8.count <= 255 else { return false }
        return text.utf8.allSatisfy { isAlphanumeric($0) || "_.-".utf8.contains($0) }
    }
}
