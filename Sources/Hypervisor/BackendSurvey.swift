// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import SystemPackage

/// What a backend is asked about a host: the part of the configuration that decides whether it can run pods.
package struct SurveyRequest: Sendable, Equatable {
    package var accelerator: AcceleratorPolicy
    /// What a pod is not started without.
    package var minimumIsolation: IsolationLevel?

    package init(accelerator: AcceleratorPolicy = .auto, minimumIsolation: IsolationLevel? = nil) {
        self.accelerator = accelerator
        self.minimumIsolation = minimumIsolation
    }
}

/// A program of the host that a backend needs.
package struct SurveyedProgram: Sendable, Equatable {
    package let name: String
    /// Nil when it is missing.
    package let path: FilePath?
    /// What it says of itself, one line.
    package let version: String?
    /// Why it cannot be used, with the remedy; nil when it can.
    package let problem: String?

    package init(_ name: String, path: FilePath?, version: String? = nil, problem: String? = nil) {
        self.name = name
        self.path = path
        self.version = version
        self.problem = problem
    }
}

/// Who a pod's machine, or the process that stands for it, is for the host's kernel. Each is a few words.
package struct SurveyedConfinement: Sendable, Equatable {
    package let user: String
    package let capabilities: String
    package let systemCalls: String
    package let namespaces: String
    /// Whose files it sees: `host` or `private`.
    package let root: String
    /// What it may take of the host at most.
    package let limits: String
    /// Its context of SELinux.
    package let label: String

    /// That of a machine that gets one from rkt.
    package static let ownLabel = "one of its own for each pod, where the host's policy has contexts for pods"

    package init(
        user: String, capabilities: String, systemCalls: String, namespaces: String, root: String = "host",
        limits: String = "those of rkt", label: String = "that of rkt"
    ) {
        self.user = user
        self.capabilities = capabilities
        self.systemCalls = systemCalls
        self.namespaces = namespaces
        self.root = root
        self.limits = limits
        self.label = label
    }
}

/// What a backend can do on this host when root runs it.
package struct BackendSurvey: Sendable, Equatable {
    package let kind: HypervisorKind
    /// Whether pods of the stage1 image are run by it, as things are configured.
    package var isChosen = false
    /// What would stand between the host and a pod.
    package let isolation: IsolationLevel?
    package let programs: [SurveyedProgram]
    /// What would execute the guest's instructions; nil for pods on the host's kernel, and where there is nothing to.
    package let accelerator: AcceleratorChoice?
    package let confinement: SurveyedConfinement?
    /// Why it cannot run pods, each with the remedy; empty when it can.
    package let problems: [String]

    package init(
        _ kind: HypervisorKind, isolation: IsolationLevel? = nil, programs: [SurveyedProgram] = [],
        accelerator: AcceleratorChoice? = nil, confinement: SurveyedConfinement? = nil, problems: [String] = []
    ) {
        self.kind = kind
        self.isolation = isolation
        self.programs = programs
        self.accelerator = accelerator
        self.confinement = confinement
        self.problems = problems
    }
}

extension BackendSurvey {
    /// The survey of a backend whose pods are isolated by a level, with what follows from programs and request added to
    /// its own problems.
    package init(
        _ kind: HypervisorKind, isolation: IsolationLevel, _ request: SurveyRequest, programs: [SurveyedProgram] = [],
        accelerator: AcceleratorChoice? = nil, confinement: SurveyedConfinement, problems: [String] = [],
        facts: IsolationFacts? = nil
    ) {
        var all = programs.compactMap(\.problem) + problems
        if let least = request.minimumIsolation, isolation < least {
            all.append(
                least.refusal(
                    facts ?? IsolationFacts(isolation), "these would be by \"\(isolation.rawValue)\""))
        }
        self.init(
            kind, isolation: isolation, programs: programs, accelerator: accelerator, confinement: confinement,
            problems: all)
    }
}
