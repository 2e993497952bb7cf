// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Commands
import Testing

struct AppArgumentsTests {
    private let catalog = FlagCatalog(of: RunCommand.self)

    private func split(_ words: String) throws -> AppArguments {
        try AppArguments(
            words.split(separator: " ").map(String.init), grammar: RunCommand.grammar, catalog: catalog)
    }

    /// `image{flag=value}[argument argument]`, and the command's own flags before them.
    private func describe(_ arguments: AppArguments) -> String {
        func flags(_ flags: [GivenFlag]) -> String {
            flags.map { "\($0.definition.name)=\($0.value)" }.joined(separator: ",")
        }
        let images = arguments.images.map { image in
            image.name + (image.flags.isEmpty ? "" : "{\(flags(image.flags))}")
                + (image.appArguments.isEmpty ? "" : "[\(image.appArguments.joined(separator: " "))]")
        }
        return ([flags(arguments.flags)].filter { !$0.isEmpty } + images).joined(separator: " | ")
    }

    @Test(
        arguments: [
            ("a b", "a | b"),
            ("a --name=x b --name y", "a{name=x} | b{name=y}"),
            ("a --memory 42Mi --cpu 900m b", "a{memory=42Mi,cpu=900m} | b"),
            ("a -- -x --net=host --- b -- y", "a[-x --net=host] | b[y]"),
            ("a -- x ---", "a[x]"),
            ("a -- x -- y --- b", "a[x -- y] | b"),
            ("a --exec /x -- --- b", "a{exec=/x} | b"),
            ("a -- --help", "a[--help]"),
            ("--net=none a --hostname h", "net=none,hostname=h | a"),
            ("--net a", "net=default | a"),
            ("a --net b", "net=default | a | b"),
            ("--no-overlay a", "no-overlay=true | a"),
            ("a --no-overlay=false b", "no-overlay=false | a | b"),
            ("--inherit-env=T a --quiet", "inherit-env=true,quiet=true | a"),
            ("a --environment=A=B --environment C=D", "a{environment=A=B,environment=C=D}"),
            ("--user-label=x=y a --user-label=p=q", "user-label=x=y | a{user-label=p=q}"),
            ("a --readonly-rootfs b", "a{readonly-rootfs=true} | b"),
            ("a --name= b", "a{name=} | b"),
            ("a --oom-score-adjust -5", "a{oom-score-adjust=-5}"),
        ] as [(String, String)])
    func `flags and arguments belong to the image before them`(words: String, expected: String) throws {
        #expect(try describe(split(words)) == expected)
    }

    @Test func `an empty argument and one with blanks stay as they are`() throws {
        let arguments = try AppArguments(
            ["a", "--", "", "x y", "---"], grammar: .images(withArguments: true), catalog: catalog)
        #expect(arguments.images == [ImageArguments("a", appArguments: ["", "x y"])])
    }

    @Test(
        arguments: [
            ("--exec /x a", "--exec must follow an image"),
            ("--memory=1M a", "--memory must follow an image"),
            ("-- x", "-- must follow an image"),
            ("a --name", "flag needs an argument: --name"),
            ("a --nett=none", "unknown flag: --nett, did you mean --net?"),
            ("a --gibberish", "unknown flag: --gibberish"),
            ("a -x", "unknown shorthand flag: \"-x\" (flags have two dashes)"),
            ("-net=none a", "unknown shorthand flag: \"-net=none\" (did you mean --net?)"),
            ("a --memroy=1M", "unknown flag: --memroy, did you mean --memory?"),
            ("--quiet=maybe a", "invalid argument \"maybe\" for --quiet: neither true nor false"),
        ] as [(String, String)])
    func `mistakes are named`(words: String, message: String) {
        #expect(throws: UsageError(message)) { try split(words) }
    }

    @Test(arguments: ["-h", "a --help", "a --gibberish --help"])
    func `help can be asked for anywhere`(words: String) throws {
        #expect(try split(words).wantsHelp)
    }

    @Test func `what follows the first word is left alone where it may be another command line`() throws {
        let catalog = FlagCatalog(of: EnterCommand.self)
        let arguments = try AppArguments(
            ["--app=x", "uuid", "ls", "--debug", "-l", "--", "y"], grammar: .flagsFirst, catalog: catalog)
        #expect(arguments.flags.map(\.definition.name) == ["app"])
        #expect(arguments.words == ["uuid", "ls", "--debug", "-l", "--", "y"])
    }

    @Test func `elsewhere flags and words mix until two dashes`() throws {
        let catalog = FlagCatalog(of: StopCommand.self)
        let arguments = try AppArguments(["a", "--force", "b", "--", "--debug"], grammar: .mixed, catalog: catalog)
        #expect(arguments.flags.map(\.definition.name) == ["force"])
        #expect(arguments.words == ["a", "b", "--debug"])
    }

    @Test func `app arguments do not belong to a fetch`() {
        let catalog = FlagCatalog(of: FetchCommand.self)
        #expect(throws: UsageError.self) {
            try AppArguments(["a", "--", "x"], grammar: FetchCommand.grammar, catalog: catalog)
        }
    }
}
