// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// The flags that a command takes, read off the properties that declare them for ArgumentParser.
///
/// ArgumentParser cannot tell where one image's flags end and the next image begins, so the splitter must know before
/// it which flags are followed by a value. Both take that from the same declarations.
package struct FlagCatalog: Sendable {
    private var flags: [String: FlagDefinition] = [:]

    package init(of command: any RktCommand.Type) {
        collect(command)
        for flag in GlobalOptions.otherFlags + command.otherFlags { flags[flag.name] = flag }
    }

    /// The flags of all commands, for those that stand before the command word.
    package init(ofAll commands: [any RktCommand.Type]) {
        for command in commands {
            flags.merge(FlagCatalog(of: command).flags) { first, _ in first }
        }
    }

    package subscript(name: String) -> FlagDefinition? { flags[name] }

    /// The names that are worth suggesting, sorted.
    package var suggestions: [String] {
        flags.values.filter { $0.standing == .supported }.map(\.name).sorted()
    }

    private mutating func collect(_ type: any ParsableArguments.Type) {
        let ofImage = type as? any FollowsImage.Type
        for child in Mirror(reflecting: type.init()).children {
            switch child.value {
            case let group as any DeclaredGroup:
                collect(group.declaredType)
            case let flag as any DeclaredFlag:
                guard let label = child.label else { continue }
                let name = FlagCatalog.flagName(ofProperty: label)
                flags[name] = FlagDefinition(name, flag.declaredValue, scope: ofImage?.scope(of: name) ?? .command)
            default:
                continue
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

private protocol DeclaredFlag {
    var declaredValue: FlagDefinition.Value { get }
}

extension Flag: DeclaredFlag {
    fileprivate var declaredValue: FlagDefinition.Value { .toggle }
}

extension Option: DeclaredFlag {
    fileprivate var declaredValue: FlagDefinition.Value {
        if let type = Value.self as? any ImpliedValue.Type { .implied(type.impliedValue) } else { .required }
    }
}

private protocol DeclaredGroup {
    var declaredType: any ParsableArguments.Type { get }
}

extension OptionGroup: DeclaredGroup {
    fileprivate var declaredType: any ParsableArguments.Type { Value.self }
}
