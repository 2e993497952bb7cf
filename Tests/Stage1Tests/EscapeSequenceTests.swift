// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Testing

import Stage1

struct EscapeSequenceTests {
    @Test func threeBracketsWithinASecondEndAContainersPod() {
        var sequence = EscapeSequence(.controlBracket)
        #expect(sequence.filter([0x1D, 0x1D], at: 0).escaped == false)
        #expect(sequence.filter([0x1D], at: 900).escaped)
    }

    @Test func slowBracketsAndOthersInBetweenAreTheApps() {
        var slow = EscapeSequence(.controlBracket)
        for second in 0..<5 {
            let result = slow.filter([0x1D], at: second * 600)
            #expect(result.passed == [0x1D] && !result.escaped)
        }
        var mixed = EscapeSequence(.controlBracket)
        let result = mixed.filter([0x1D, 0x1D, 65, 0x1D, 1, 120], at: 0)
        #expect(result.passed == [0x1D, 0x1D, 65, 0x1D, 1, 120] && !result.escaped)
    }

    @Test func controlAAndXEndAMachinesPod() {
        var sequence = EscapeSequence(.controlA)
        #expect(sequence.filter([65, 1], at: 0).passed == [65])
        let result = sequence.filter([1, 1, 120], at: 5000)
        #expect(result.passed == [1] && result.escaped)
    }
}
