// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// What would stand between the apps of a pod and its host, fact by fact: the level follows from them, and so does what a
/// higher one lacks.
package struct IsolationFacts: Sendable, Equatable {
    package var hasNamespaces: Bool
    package var hasOwnKernel: Bool
    /// Why the host's processor does not keep that kernel apart; nil when it does.
    package var virtualizationProblem: String?
    /// Whether the hypervisor is behind a filter of system calls.
    package var filtersSystemCalls: Bool
    /// Whether the hypervisor runs as a user who is nobody else.
    package var hasOwnUser: Bool
    /// Why the hypervisor may open files of others; nil when it may not.
    package var fileAccess: String?

    package init(
        hasNamespaces: Bool = true, hasOwnKernel: Bool = true, virtualizationProblem: String? = nil,
        filtersSystemCalls: Bool = true, hasOwnUser: Bool = true, fileAccess: String? = nil
    ) {
        self.hasNamespaces = hasNamespaces
        self.hasOwnKernel = hasOwnKernel
        self.virtualizationProblem = virtualizationProblem
        self.filtersSystemCalls = filtersSystemCalls
        self.hasOwnUser = hasOwnUser
        self.fileAccess = fileAccess
    }

    /// What a backend that tells nothing but the level has.
    package init(_ level: IsolationLevel) {
        self.init(
            hasNamespaces: level >= .container, hasOwnKernel: level >= .emulation,
            virtualizationProblem: level >= .virtualization ? nil : "its machines are emulated",
            filtersSystemCalls: level >= .confined, hasOwnUser: level >= .confined)
    }

    package var level: IsolationLevel {
        guard hasOwnKernel else { return hasNamespaces ? .container : .chroot }
        guard virtualizationProblem == nil else { return .emulation }
        return filtersSystemCalls && hasOwnUser && fileAccess == nil ? .confined : .virtualization
    }
}

extension IsolationLevel {
    /// What is missing of this level, each a few words; empty when nothing is.
    package func missing(_ facts: IsolationFacts) -> [String] {
        guard self > .chroot else { return [] }
        guard facts.hasOwnKernel else {
            if self > .container { return ["a kernel of its own"] }
            return facts.hasNamespaces ? [] : ["namespaces of its own"]
        }
        var missing: [String] = []
        if self >= .virtualization, let problem = facts.virtualizationProblem {
            missing.append("hardware virtualization (\(problem))")
        }
        guard self >= .confined else { return missing }
        if !facts.filtersSystemCalls { missing.append("a filter of the hypervisor's system calls") }
        if !facts.hasOwnUser { missing.append("a user of the hypervisor's own") }
        if let access = facts.fileAccess { missing.append("a hypervisor that cannot open others' files (\(access))") }
        return missing
    }

    /// Why a pod with these facts is not started where this level is the least.
    ///
    /// - Parameter subject: what is isolated by less.
    func refusal(_ facts: IsolationFacts, _ subject: String) -> String {
        let missing = missing(facts)
        let lacks = missing.isEmpty ? "" : ", lacking " + missing.joined(separator: ", ")
        return "the configuration wants pods isolated by \"\(rawValue)\" at least, and \(subject)\(lacks); "
            + "\(requirement); or lower \"minimumIsolation\""
    }
}
