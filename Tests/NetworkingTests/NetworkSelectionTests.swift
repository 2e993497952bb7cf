// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Networking
import Testing

struct NetworkSelectionTests {
    @Test(
        arguments: [
            ([], NetworkSelection.networks([.init(name: "default")], all: false)),
            ([""], .networks([.init(name: "default")], all: false)),
            (["none"], .none),
            (["host"], .host),
            (["all"], .networks([], all: true)),
            (["a,b"], .networks([.init(name: "a"), .init(name: "b")], all: false)),
            (
                ["net1:IP=1.2.3.4", "net2:IP=1.2.4.5"],
                .networks(
                    [.init(name: "net1", arguments: "IP=1.2.3.4"), .init(name: "net2", arguments: "IP=1.2.4.5")],
                    all: false)
            ),
            (["all,net1:IP=fd00::1;X="], .networks([.init(name: "net1", arguments: "IP=fd00::1;X=")], all: true)),
        ] as [([String], NetworkSelection)])
    func theGrammarOfTheManual(values: [String], selection: NetworkSelection) throws {
        #expect(try NetworkSelection(parsing: values) == selection)
        // What is told to stage1 means the same.
        #expect(try NetworkSelection(parsing: [selection.text]) == selection)
    }

    @Test(
        arguments: [
            (["a", "b,a"], "network \"a\" is given more than once"),
            (["default,"], "has no name"),
            (["a,,b"], "has no name"),
            ([":IP=1.2.3.4"], "has no name"),
            (["none,a"], "--net=none excludes all other networks"),
            (["a", "host"], "--net=host excludes all other networks"),
            (["all:IP=1.2.3.4"], "\"all\" takes no arguments"),
            (["a:IP"], "argument \"IP\" of network \"a\" is not KEY=VALUE"),
            (["a:"], "is not KEY=VALUE"),
            (["a:=1"], "is not KEY=VALUE"),
            (["a:IP=1;IP=2"], "argument IP of network \"a\" is given more than once"),
            (["a:IP=1 2"], "hold blanks"),
            (["a/b"], "is not the name of a network"),
        ])
    func whatMakesNoSenseIsRefused(values: [String], reason: String) {
        let error = #expect(throws: RuntimeError.self) { try NetworkSelection(parsing: values) }
        #expect(error?.message.contains(reason) == true, "\(error?.message ?? "")")
    }
}
