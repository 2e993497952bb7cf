// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Hypervisor
import Testing

/// What a level follows from, and what a higher one lacks.
struct IsolationFactsTests {
    private static let reason = "cannot open /dev/kvm: No such file or directory"

    @Test(arguments: IsolationLevel.allCases)
    func `the facts of a level have that level and lack nothing of it`(level: IsolationLevel) {
        #expect(IsolationFacts(level).level == level)
        #expect(level.missing(IsolationFacts(level)) == [])
    }

    @Test(arguments: IsolationLevel.allCases, IsolationLevel.allCases)
    func `something is missing of every higher level and of no lower one`(level: IsolationLevel, least: IsolationLevel)
    {
        #expect(least.missing(IsolationFacts(level)).isEmpty == (level >= least))
    }

    @Test func `each fact that is missing is named`() {
        let facts = IsolationFacts(
            virtualizationProblem: Self.reason, filtersSystemCalls: false, hasOwnUser: false,
            fileAccess: "shares over 9p take what root may")
        #expect(facts.level == .emulation)
        let missing = IsolationLevel.confined.missing(facts)
        #expect(missing.count == 4)
        let text = missing.joined(separator: "\n")
        for word in [Self.reason, "filter", "user", "9p"] { #expect(text.contains(word), "\(text)") }
        // Of a lower level less is missing.
        #expect(IsolationLevel.virtualization.missing(facts) == ["hardware virtualization (\(Self.reason))"])
    }

    @Test(arguments: [
        IsolationFacts(filtersSystemCalls: false), IsolationFacts(hasOwnUser: false), IsolationFacts(fileAccess: "9p"),
    ])
    func `one fact less is no confinement`(facts: IsolationFacts) {
        #expect(facts.level == .virtualization)
        #expect(IsolationLevel.confined.missing(facts).count == 1)
    }

    @Test func `without a kernel of its own nothing else matters`() {
        let container = IsolationFacts(hasOwnKernel: false, filtersSystemCalls: false)
        #expect(container.level == .container)
        #expect(IsolationLevel.confined.missing(container) == ["a kernel of its own"])
        let bare = IsolationFacts(hasNamespaces: false, hasOwnKernel: false)
        #expect(bare.level == .chroot)
        #expect(IsolationLevel.container.missing(bare) == ["namespaces of its own"])
    }

    @Test func `emulation has a reason, also when it was asked for`() {
        #expect(AcceleratorChoice(.kvm).emulationReason == nil)
        #expect(AcceleratorChoice(.tcg, fallbackReason: Self.reason).emulationReason == Self.reason)
        #expect(AcceleratorChoice(.tcg).emulationReason?.contains("\"tcg\"") == true)
    }
}
