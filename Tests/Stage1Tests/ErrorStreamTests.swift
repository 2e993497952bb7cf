// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Stage1
import SystemPackage
import Testing

struct ErrorStreamTests {
    @Test func aNoticeIsOneLineThatCommandsNoTerminal() throws {
        let (reader, writer) = try FileDescriptor.pipe()
        defer { try? reader.close() }
        ErrorStream(writer).notice("stage1: \u{1b}]0;x\u{7} and\nstage1: more")
        try writer.close()
        guard case .bytes(let bytes) = reader.readAvailable() else {
            Issue.record("nothing was written")
            return
        }
        #expect(String(decoding: bytes, as: UTF8.self) == "stage1: \\x1b]0;x\\x07 and\\x0astage1: more\n")
    }
}
