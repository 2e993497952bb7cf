// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Commands
import Diagnostics
import Testing

struct ErrorReportTests {
    private static let error = RuntimeError(
        .notFound, "problem retrieving pod",
        cause: RuntimeError(
            .notFound, "cannot search", cause: RuntimeError(.notFound, "no matches found for \"x\"")))

    @Test func `one line has the message and the innermost cause`() {
        #expect(
            ErrorReport.lines(Self.error, component: "status", debug: false)
                == ["status: problem retrieving pod: no matches found for \"x\""])
    }

    @Test func `the whole chain is shown when asked for`() {
        #expect(
            ErrorReport.lines(Self.error, component: "status", debug: true) == [
                "status: problem retrieving pod",
                "  └─cannot search",
                "    └─no matches found for \"x\"",
            ])
    }

    @Test(arguments: [false, true])
    func `an error without a cause is one line`(debug: Bool) {
        let error = RuntimeError(.busy, "in use")
        #expect(ErrorReport.lines(error, component: "rm", debug: debug) == ["rm: in use"])
    }

    @Test func `a failed clean-up is told about beside what failed first`() {
        let error = CleanupError(primary: Self.error, cleanup: RuntimeError(.busy, "cannot unmount /x"))
        #expect(
            ErrorReport.lines(error, component: "run", debug: false) == [
                "run: problem retrieving pod: no matches found for \"x\" (and while cleaning up: cannot unmount /x)"
            ])
    }

    @Test func `what an error quotes commands no terminal and looks like no other message`() {
        let error = RuntimeError(
            .invalidArgument, "bad \u{1b}[2Jname", cause: RuntimeError(.invalidArgument, "\u{9b}x\nrm: all is well"))
        #expect(ErrorReport.lines(error, component: "run", debug: false) == ["run: bad \\x1b[2Jname: \\x9bx"])
        #expect(
            ErrorReport.lines(error, component: "run", debug: true) == [
                "run: bad \\x1b[2Jname", "  └─\\x9bx", "      rm: all is well",
            ])
    }

    @Test func `a cause of several lines is cut without debug`() {
        let error = RuntimeError(.invalidArgument, "bad manifest", cause: RuntimeError(.invalidArgument, "line 1\n  ^"))
        #expect(ErrorReport.lines(error, component: "run", debug: false) == ["run: bad manifest: line 1"])
    }
}
