// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics

/// Reads the texts of flags.
enum FlagText {
    /// `NAME=VALUE` texts with free names; of a repeated name the last value counts.
    static func pairs(_ texts: [String], flag: String) throws -> [String: String] {
        var result: [String: String] = [:]
        for text in texts {
            let (name, value) = try pair(text, flag: flag)
            result[name] = value
        }
        return result
    }

    /// `NAME=VALUE` texts whose names are AC identifiers.
    static func annotations(_ texts: [String], flag: String) throws -> [Annotation] {
        try texts.map { text in
            let (name, value) = try pair(text, flag: flag)
            do {
                return Annotation(name: try ACIdentifier(parsing: name), value: value)
            } catch {
                throw RuntimeError(.invalidArgument, "\(flag)=\(text)", cause: error)
            }
        }
    }

    static func nonEmpty(_ text: String, flag: String) throws -> String {
        guard !text.isEmpty else { throw RuntimeError(.invalidArgument, "\(flag) is empty") }
        return text
    }

    /// Decimal numbers separated by commas.
    static func groups(_ list: String) throws -> [UInt32] {
        try list.split(separator: ",", omittingEmptySubsequences: false).map { text in
            guard let number = UInt32(text) else {
                throw RuntimeError(
                    .invalidArgument, "--supplementary-gids=\(list): \"\(text)\" is not a group number")
            }
            return number
        }
    }

    private static func pair(_ text: String, flag: String) throws -> (String, String) {
        guard let equals = text.firstIndex(of: "="), equals > text.startIndex else {
            throw RuntimeError(.invalidArgument, "\(flag)=\(text) is not of the form NAME=VALUE")
        }
        return (String(text[..<equals]), String(text[text.index(after: equals)...]))
    }
}
