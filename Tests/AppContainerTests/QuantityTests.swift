// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Testing

struct QuantityTests {
    @Test(
        arguments: [
            ("0.3", 1, 300, "300m"), ("1.5", 2, 1500, "1500m"), (".5", 1, 500, "500m"), ("1k", 1000, 1_000_000, "1k"),
            ("1e-3", 1, 1, "1e-3"), ("0.0001", 1, 1, "100u"), ("1.5Gi", 1_610_612_736, 1_610_612_736_000, "1536Mi"),
            ("123Mi", 128_974_848, 128_974_848_000, "123Mi"), ("125952Ki", 128_974_848, 128_974_848_000, "123Mi"),
            ("0.5Ki", 512, 512_000, "512"), ("100.035Ki", 102_436, 102_435_840, "102435840m"),
            ("1000M", 1_000_000_000, 1_000_000_000_000, "1G"), ("9Ei", .max, nil, "9223372036854775807"),
            ("1.", 1, 1000, "1"), ("+2", 2, 2000, "2"), ("0", 0, 0, "0"), ("0Ki", 0, 0, "0"),
            ("1E", 1_000_000_000_000_000_000, nil, "1E"),
            ("1E3", 1000, 1_000_000, "1e3"), ("1e+3", 1000, 1_000_000, "1e3"), ("5e0", 5, 5000, "5"),
            ("1n", 1, 1, "1n"),
            ("0.1n", 1, 1, "1n"), ("1e-100", 1, 1, "1e-9"), ("0e100", 0, 0, "0"), ("250m", 1, 250, "250m"),
            ("-1.5", -1, -1500, "-1500m"), ("-0.1n", 0, 0, "-1n"),
            ("0.00000000000000000000000000000000000001Ei", 1, 1, "1n"), ("100Ei", .max, nil, "9223372036854775807"),
            ("9223372036854775807", .max, nil, "9223372036854775807"),
        ] as [(String, Int64, Int64?, String)])
    func amountsAreExact(text: String, value: Int64, milli: Int64?, canonical: String) throws {
        let quantity = try Quantity(parsing: text)
        #expect(quantity.value == value)
        #expect(quantity.milli == milli)
        #expect(quantity.description == canonical)
    }

    @Test(arguments: [
        "", "1K", "1mi", "1i", "1e", "1e+", "1KiB", "1 G", "0x10", "1.1.M", " 1", "1 ", ".", "+", "-", "12E", "1e19",
        "9223372036854775808", "1e99999999999", "--1", "e3", "١", "1234567890123456789012345678901234567890",
    ])
    func otherTextsAreRefused(text: String) {
        #expect(throws: ScalarError.self) { try Quantity(parsing: text) }
    }

    @Test func upperCaseKiloIsExplained() throws {
        let error = try #require(throws: ScalarError.self) { try Quantity(parsing: "1K") }
        #expect(error.description.contains("write k for 1000 or Ki for 1024"))
    }

    @Test func quantitiesMadeInCodePrintInCanonicalForm() {
        #expect(Quantity(512 << 20).description == "512Mi")
        #expect(Quantity(1000).description == "1k")
        #expect(Quantity(milli: 250).description == "250m")
        #expect(Quantity(milli: 2000).description == "2")
    }
}
