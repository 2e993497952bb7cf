// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Commands
import Testing

struct PreviewTextTests {
    private func preview() throws -> JSONValue {
        let text = #"""
            {"backend":"qemu","accelerator":"tcg","acceleratorFallback":"no KVM","memoryMiB":640,"processors":2,
             "shares":[{"tag":"rkt.apps","source":"/p","type":"virtiofs","readOnly":false},
              {"tag":"rkt.volume0","source":"/srv/\u001b[2J","type":"9p","readOnly":true}],
             "isolators":[{"app":"a","isolator":"resource/cpu","effect":"enforced","becomes":"CPUQuota=20.0%"},
              {"isolator":"x/y","effect":"ignored"}],"warnings":["nothing\nmuch"]}
            """#
        return try JSONValue(parsing: Array(text.utf8))
    }

    @Test func `each thing has a line, and none commands a terminal`() throws {
        #expect(
            PreviewText.text(try preview(), .text) == #"""
                backend=qemu
                accelerator=tcg
                accelerator-fallback=no KVM
                memory=640MiB
                processors=2
                share=virtiofs /p
                share=9p /srv/\x1b[2J read-only
                isolator=a resource/cpu enforced: CPUQuota=20.0%
                isolator=the pod x/y ignored
                warning=nothing\x0amuch

                """#)
    }

    @Test func `programs get the object as it is`() throws {
        for format in [PreviewFormat.json, .jsonPretty] {
            let text = PreviewText.text(try preview(), format)
            #expect(try JSONValue(parsing: Array(text.utf8)) == preview())
            #expect(text.hasSuffix("}\n"))
        }
    }

    @Test(arguments: [
        ("--dry-run", PreviewFormat.text), ("--dry-run=json", .json), ("--dry-run=json-pretty", .jsonPretty),
    ])
    func `the flag's value may be left out`(flag: String, format: PreviewFormat) throws {
        let arguments = try AppArguments(
            [flag, "image"], grammar: RunCommand.grammar, catalog: FlagCatalog(of: RunCommand.self))
        let command = try RunCommand.parse(CanonicalArguments.of(arguments.flags, words: arguments.words))
        #expect(command.start.dryRun == format)
        #expect(arguments.images.count == 1)
    }
}
