// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Commands
import Testing

struct CanonicalArgumentsTests {
    private func canonical(_ words: String...) throws -> [String] {
        let catalog = FlagCatalog(of: RunCommand.self)
        let arguments = try AppArguments(words, grammar: .mixed, catalog: catalog)
        return CanonicalArguments.of(arguments.flags, words: arguments.words)
    }

    @Test func `the last toggle counts`() throws {
        #expect(try canonical("--debug", "--debug=false") == [])
        #expect(try canonical("--debug=false", "--debug") == ["--debug"])
    }

    @Test func `older spellings become the current ones`() throws {
        #expect(try canonical("--store-only") == ["--pull-policy=never"])
        #expect(try canonical("--no-store") == ["--pull-policy=update"])
        #expect(try canonical("--no-store=false") == [])
        #expect(try canonical("--cap-retain=CAP_KILL") == ["--caps-retain=CAP_KILL"])
        #expect(try canonical("--oom-score-adjust=5") == ["--oom-score-adj=5"])
    }

    @Test func `words cannot be taken for flags`() throws {
        #expect(try canonical("a", "--", "--debug") == ["--", "a", "--debug"])
    }

    @Test func `ArgumentParser reads values that look like flags, are empty or hold several lines`() throws {
        let arguments = CanonicalArguments.of(
            ["--x=1", "", "a\nb=c"].map {
                GivenFlag(definition: FlagDefinition("environment", .required), value: $0)
            })
        #expect(try ImageOptions.parse(arguments).environment == ["--x=1", "", "a\nb=c"])
    }
}
