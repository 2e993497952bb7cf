// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import SystemdUnits
import Testing

struct UnitFileTests {
    @Test func rendersSectionsInOrder() {
        let unit = UnitFile(
            name: "a.service",
            sections: [.init("Unit", [.init("After", "b.service")]), .init("Service", [.init("Type", "simple")])])
        #expect(unit.rendered == "[Unit]\nAfter=b.service\n\n[Service]\nType=simple\n")
    }

    @Test func aLineBreakInAValueCannotAddASetting() {
        let unit = UnitFile(name: "a", sections: [.init("Unit", [.init("Description", "x\nExecStart=/bin/evil")])])
        #expect(unit.rendered == "[Unit]\nDescription=xExecStart=/bin/evil\n")
    }

    @Test(arguments: [
        (["/bin/sh", "-c", "a b"], #"/bin/sh -c "a b""#), (["x", "50%"], #"x "50%%""#),
        (["x", "$HOME"], #"x "$$HOME""#),
        (["x", "a\"b\\c"], #"x "a\"b\\c""#), (["x", ""], #"x """#), (["x", "a\nb"], #"x "a\nb""#),
    ]) func quotesWhatSystemdWouldInterpret(arguments: [String], expected: String) {
        #expect(UnitCommand(arguments).rendered == expected)
    }
}
