// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// The flags that a command takes, read off the properties that declare them for ArgumentParser.
///
/// ArgumentParser cannot tell where one image's flags end and the next image begins, so the splitter must know before
/// it which flags are followed by a value. Both take that from the same declarations. Reading them costs milliseconds,
/// for each conformance that is asked for is searched in the whole program, so it waits for the first question.
package final class FlagCatalog {
    private let commands: [any RktCommand.Type]
    private lazy var flags = FlagCatalog.flags(of: commands)

    package convenience init(of command: any RktCommand.Type) {
        self.init(ofAll: [command])
    }

    /// The flags of several commands, for those that stand before the command word.
    package init(ofAll commands: [any RktCommand.Type]) {
        self.commands = commands
    }

    package subscript(name: String) -> FlagDefinition? { flags[name] }

    /// The names that are worth suggesting, sorted.
    package var suggestions: [String] {
        flags.values.filter { $0.standing == .supported }.map(\.name).sorted()
    }

    private static func flags(of commands: [any RktCommand.Type]) -> [String: FlagDefinition] {
        var flags: [String: FlagDefinition] = [:]
        for command in commands {
            // Of two commands' flags of one name any will do.
            for flag in GlobalOptions.otherFlags + command.otherFlags { flags[flag.name] = flag }
            collect(command, into: &flags)
        }
        return flags
    }

    private static func collect(_ type: any ParsableArguments.Type, into flags: inout [String: FlagDefinition]) {
        let ofImage = type as? any FollowsImage.Type
        for child in Mirror(reflecting: type.init()).children {
            guard let label = child.label, let property = child.value as? any DeclaredProperty else { continue }
            switch property.declaration {
            case .group(let group):
                collect(group, into: &flags)
            case .flag(let value):
                let name = flagName(ofProperty: label)
                flags[name] = FlagDefinition(name, value, scope: ofImage?.scope(of: name) ?? .command)
            }
        }
    }

    /// `_uuidFileSave` declares `--uuid-file-save`, as ArgumentParser's `.long` names do.
    package static func flagName(ofProperty label: String) -> String {
        label.drop { $0 == "_" }.reduce(into: "") { name, character in
            if character.isUppercase {
                name += "-" + character.lowercased()
            } else {
                name.append(character)
            }
        }
    }
}

/// An option group whose flags speak of the image before them.
package protocol FollowsImage: ParsableArguments {
    /// Those that may also stand before the first image, and then speak of the whole pod.
    static var flagsOfPod: Set<String> { get }
}

extension FollowsImage {
    fileprivate static func scope(of flag: String) -> FlagDefinition.Scope {
        flagsOfPod.contains(flag) ? .imageOrCommand : .image
    }
}

/// A value that may be left out.
package protocol ImpliedValue {
    /// What `--flag` without a value means.
    static var impliedValue: String { get }
}

extension Optional: ImpliedValue where Wrapped: ImpliedValue {
    package static var impliedValue: String { Wrapped.impliedValue }
}

extension Array: ImpliedValue where Element: ImpliedValue {
    package static var impliedValue: String { Element.impliedValue }
}

/// A property wrapper of ArgumentParser that declares flags.
private protocol DeclaredProperty {
    var declaration: Declaration { get }
}

private enum Declaration {
    case flag(FlagDefinition.Value)
    case group(any ParsableArguments.Type)
}

extension Flag: DeclaredProperty {
    fileprivate var declaration: Declaration { .flag(.toggle) }
}

extension Option: DeclaredProperty {
    fileprivate var declaration: Declaration {
        if let type = Value.self as? any ImpliedValue.Type {
            .flag(.implied(type.impliedValue))
        } else {
            .flag(.required)
        }
    }
}

extension OptionGroup: DeclaredProperty {
    fileprivate var declaration: Declaration { .group(Value.self) }
}
