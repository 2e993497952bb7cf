// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Guest
import Testing

struct GuestPortTests {
    @Test(
        arguments: [
            ("quiet rkt.boot=ttyS1 rkt.agent=ttyS3\n", "ttyS1", "ttyS3"),
            // The last counts, as in the kernel.
            ("rkt.boot=ttyS1 rkt.boot=ttyS2", "ttyS2", nil),
            ("console=ttyS0 quiet", nil, nil), ("", nil, nil), ("rkt.boot rkt.agent=", nil, nil),
            ("rkt.boot=sda rkt.agent=tty/../sda", nil, nil), ("xrkt.boot=ttyS1 rkt.bootx=ttyS1", nil, nil),
        ] as [(String, String?, String?)])
    func aPortIsTheSerialPortThatItsParameterNames(text: String, boot: String?, agent: String?) {
        let parameters = GuestParameters(text)
        #expect(GuestPort.device(of: PortName.boot, in: parameters) == boot)
        #expect(GuestPort.device(of: PortName.agent, in: parameters) == agent)
    }
}
