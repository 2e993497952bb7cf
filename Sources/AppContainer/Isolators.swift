// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

extension [Isolator] {
    /// Reads a list of isolators as a set: single isolators at most once, no two that exclude each other.
    init(field: ManifestField) throws(ManifestError) {
        self = try field.list(Isolator.init(field:))
        var seen: Set<IsolatorName> = []
        for (index, name) in map(\.kind?.name).enumerated() {
            guard let name else { continue }
            let element = ManifestField(nil, path: .element(field.path, index))
            if let conflict = name.conflict, seen.contains(conflict) {
                throw element.failure("\(name.rawValue) and \(conflict.rawValue) exclude each other")
            }
            guard seen.insert(name).inserted || name.isRepeatable else {
                throw element.failure("\(name.rawValue) may stand only once in the list")
            }
        }
    }

    /// The list as JSON.
    var json: JSONValue { .array(map(\.json)) }

    /// The names of isolators that are not known and thus ignored, in order.
    package var unknownNames: [String] { filter { $0.kind == nil }.map(\.name) }

    func warnings(of thing: String) -> [String] {
        unknownNames.map { "the isolator \(ScalarError.quoted($0)) of \(thing) is unknown and ignored" }
    }

    /// The last isolator of a name, which is the one that counts when it is repeated.
    package func last(_ name: IsolatorName) -> IsolatorKind? { last { $0.kind?.name == name }?.kind }

    /// This list without isolators of some names and with one added, as a command-line option demands.
    package func replacing(_ names: Set<IsolatorName>, with kind: IsolatorKind) -> [Isolator] {
        filter { isolator in isolator.kind.map { !names.contains($0.name) } ?? true } + [Isolator(kind)]
    }

    // MARK: - Values that count

    /// The limit of CPU time, nil for none.
    package var cpuLimit: Quantity? {
        if case .cpu(let range) = last(.cpu) { range.limit } else { nil }
    }

    /// The limit of memory, nil for none.
    package var memoryLimit: Quantity? {
        if case .memory(let range) = last(.memory) { range.limit } else { nil }
    }

    /// Whether programs may gain no privileges by being executed; the last value wins.
    package var noNewPrivileges: Bool {
        if case .noNewPrivileges(let flag) = last(.noNewPrivileges) { flag } else { false }
    }

    /// The value for `oom_score_adj`, nil when not given.
    package var oomScoreAdjustment: Int? {
        if case .oomScoreAdjustment(let number) = last(.oomScoreAdjustment) { number } else { nil }
    }

    /// The relative CPU weight, nil when not given.
    package var cpuShares: Int? {
        if case .cpuShares(let number) = last(.cpuShares) { number } else { nil }
    }

    /// The process label, nil when not given.
    package var seLinuxContext: SELinuxContext? {
        if case .seLinuxContext(let context) = last(.seLinuxContext) { context } else { nil }
    }

    /// The name of the profile, nil when not given.
    package var appArmorProfile: String? {
        if case .appArmorProfile(let profile) = last(.appArmorProfile) { profile } else { nil }
    }

    /// Kernel parameters; empty when none are given.
    package var sysctl: [String: String] {
        if case .sysctl(let values) = last(.sysctl) { values } else { [:] }
    }

    /// The filter of system calls, nil when none is given.
    package var seccomp: IsolatorKind? { last(.seccompRetainSet) ?? last(.seccompRemoveSet) }
}
