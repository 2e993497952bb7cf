// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer

/// Which system calls an app may make, from its isolators. Without any it gets `@rkt/default-whitelist`.
package struct SystemCallFilter: Equatable {
    package enum Mode: Equatable {
        /// Only these calls are allowed.
        case retain
        /// All but these are allowed.
        case remove
    }

    package let mode: Mode
    /// Names as the isolator gives them; the wildcards are not resolved.
    package let calls: [String]
    /// What a blocked call fails with; nil kills the app with SIGSYS.
    package let error: Int32?

    package init(mode: Mode, calls: [String], error: Int32? = nil) {
        self.mode = mode
        self.calls = calls
        self.error = error
    }

    /// The filter of these isolators, nil for none at all.
    ///
    /// - Throws: for an error that Linux does not have.
    package init?(_ isolators: [Isolator]) throws {
        self.init(mode: .retain, calls: ["@rkt/default-whitelist"])
        for isolator in isolators {
            switch isolator.kind {
            case .seccompRetainSet(let set):
                if set.calls.contains(SeccompSet.allCalls) { return nil }
                self.init(mode: .retain, calls: set.calls, error: try Self.error(of: set))
            case .seccompRemoveSet(let set):
                // Masks what else is listed; the default filter remains.
                if set.calls.contains(SeccompSet.noCalls) { continue }
                self.init(mode: .remove, calls: set.calls, error: try Self.error(of: set))
            default: break
            }
        }
    }

    private static func error(of set: SeccompSet) throws -> Int32? {
        guard let name = set.errno, !name.isEmpty else { return nil }
        return try ErrorNumber.value(of: name)
    }

    /// The calls that are listed, of those that an architecture has.
    ///
    /// - Parameter known: the names of all its system calls.
    package func listed(known: Set<String>) -> Set<String> {
        var listed: Set<String> = mode == .retain ? Set(SystemCallSet.lifeCycle) : []
        for call in calls {
            guard call.hasPrefix("@") else {
                listed.insert(call)
                continue
            }
            switch SystemCallSet.members(of: call) {
            case .these(let names): listed.formUnion(names)
            case .allBut(let names): listed.formUnion(known.subtracting(names))
            // An image may use the sets of another implementation.
            case nil: break
            }
        }
        return listed.intersection(known)
    }

    /// Listed names that mean nothing here: neither a system call nor a set.
    package func unknown(known: Set<String>) -> [String] {
        calls.filter { $0.hasPrefix("@") ? SystemCallSet.members(of: $0) == nil : !known.contains($0) }
    }
}
