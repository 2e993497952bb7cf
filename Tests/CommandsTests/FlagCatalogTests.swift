// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Commands
import Testing

struct FlagCatalogTests {
    @Test(
        arguments: [("_debug", "debug"), ("_uuidFileSave", "uuid-file-save"), ("_stage1FromDir", "stage1-from-dir")]
            as [(String, String)])
    func `names follow from properties`(property: String, name: String) {
        #expect(FlagCatalog.flagName(ofProperty: property) == name)
    }

    @Test func `every flag in the help of a command is one that it takes`() {
        for node in CommandNode.root.leaves {
            guard let command = node.command else { continue }
            let catalog = FlagCatalog(of: command)
            let flags = HelpFlag.flags(of: command)
            #expect(flags.count >= 6, "\(node.name) has at least the global flags")
            for flag in flags {
                let parts = flag.spelling.dropFirst(2).split(separator: "=")
                let definition = catalog[String(parts[0])]
                #expect(definition?.standing == .supported, "\(node.name) \(flag.spelling)")
                #expect((definition?.value == .toggle) == (parts.count == 1), "\(node.name) \(flag.spelling)")
                #expect(!flag.text.isEmpty, "\(node.name) \(flag.spelling)")
            }
            #expect(
                Set(flags.map { $0.spelling.dropFirst(2).prefix { $0 != "=" } }.map(String.init)).sorted()
                    == catalog.suggestions, "\(node.name)")
        }
    }

    @Test func `other spellings lead to flags that exist`() throws {
        for command in CommandNode.root.commands {
            let catalog = FlagCatalog(of: command)
            for flag in command.otherFlags {
                switch flag.standing {
                case .deprecated(let name, _), .alias(let name):
                    #expect(catalog[name]?.standing == .supported, "--\(flag.name)")
                case .supported, .unsupported:
                    break
                }
            }
        }
    }

    @Test(
        arguments: [
            ("net", FlagDefinition.Value.implied("default")), ("inherit-env", .toggle), ("exec", .required),
            ("environment", .required), ("no-overlay", .implied("true")),
        ] as [(String, FlagDefinition.Value)])
    func `the kind of a value follows from the declaration`(name: String, value: FlagDefinition.Value) {
        #expect(FlagCatalog(of: RunCommand.self)[name]?.value == value)
    }
}

extension CommandNode {
    var leaves: [CommandNode] { children.isEmpty ? [self] : children.flatMap(\.leaves) }
}
