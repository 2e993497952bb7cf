// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Testing

struct ACVersionTests {
    @Test(arguments: [
        ("1.2.3-a+b", "1.2.3-a+b"), ("01.02.03", "1.2.3"), ("1.2.3-", "1.2.3"), ("1.2.3+", "1.2.3"),
        ("0.0.0-x", "0.0.0-x"), ("0.8.11", "0.8.11"), ("1.2.3+a-b", "1.2.3+a-b"), ("1.2.3-a-b", "1.2.3-a-b"),
    ])
    func versionsAreReadAndPrinted(text: String, expected: String) throws {
        #expect(try ACVersion(parsing: text).string == expected)
    }

    @Test(arguments: [
        "", "1", "1.2", "1.2.3.4", "v1.2.3", "+1.2.3", "-1.2.3", "0.0.0", "1.2.x", "1..3", "99999999999999999999.0.0",
    ])
    func badVersionsAreRefused(text: String) {
        #expect(throws: ScalarError.self) { try ACVersion(parsing: text) }
    }

    @Test func versionsAreOrderedByPrecedence() throws {
        let ordered = ["1.0.0-a", "1.0.0-a.2", "1.0.0-a.10", "1.0.0-b", "1.0.0", "1.0.1", "1.1.0", "2.0.0"]
        let versions = try ordered.map { try ACVersion(parsing: $0) }
        for (index, version) in versions.enumerated() {
            for (other, otherVersion) in versions.enumerated() {
                #expect(version.precedes(otherVersion) == (index < other))
            }
        }
    }

    @Test(arguments: [("0.1.0", true), ("1.0.0", false)])
    func onlyTheMajorVersionMattersForCompatibility(text: String, compatible: Bool) throws {
        #expect(try ACVersion(parsing: text).isCompatible == compatible)
    }
}

struct ImageIDTests {
    private static let digits = String(repeating: "0123456789abcdef", count: 8)

    @Test func fullIDsHaveAKeyAndAShortForm() throws {
        let id = try ImageID(parsing: "sha512-" + ImageIDTests.digits.uppercased())
        #expect(id.string == "sha512-" + ImageIDTests.digits)
        #expect(id.key == "sha512-" + ImageIDTests.digits.prefix(64))
        #expect(id.short == "sha512-0123456789ab")
        #expect(id.isFull)
        let key = try ImageID(parsing: id.key)
        #expect(key.key == id.key)
        #expect(!key.isFull)
        #expect(id.matches(key))
    }

    @Test(arguments: [
        "", "sha512-", "sha512-zz", "sha512-ab", "sha256-" + digits, "SHA512-" + digits, digits,
        "sha512-" + digits + "0",
        "sha512-" + digits.dropLast() + "g", "sha512-" + digits + "\n",
    ])
    func badIDsAreRefused(text: String) {
        #expect(throws: ScalarError.self) { try ImageID(parsing: text) }
    }

    @Test func digestsBecomeIDs() {
        let id = ImageID(digest: (0..<64).map { UInt8($0) })
        #expect(id.string.hasPrefix("sha512-000102030405"))
        #expect(id.string.hasSuffix("3e3f"))
        #expect(id.isFull)
    }
}

struct PodUUIDTests {
    @Test(arguments: [
        "01234567-89ab-cdef-fedc-ba9876543210", "0123456789ABCDEFFEDCBA9876543210",
        "0-1234567-89abcdef-fedcba9876543210",
    ])
    func digitsMayBeGroupedInAnyWay(text: String) throws {
        let uuid = try PodUUID(parsing: text)
        #expect(uuid.description == "01234567-89ab-cdef-fedc-ba9876543210")
        #expect(uuid.withoutDashes == "0123456789abcdeffedcba9876543210")
        #expect(uuid.bytes.first == 0x01)
        #expect(uuid.bytes.last == 0x10)
    }

    @Test(arguments: [
        "", "0123", "0123456789abcdeffedcba987654321", "0123456789abcdeffedcba98765432100",
        "01234567-89ab-cdef-fedc-ba9876543210\n", "0123456789abcdeffedcba987654321g",
    ])
    func otherTextsAreRefused(text: String) {
        #expect(throws: ScalarError.self) { try PodUUID(parsing: text) }
    }

    @Test func newOnesAreRandomAndOfVersionFour() throws {
        let first = PodUUID()
        #expect(first != PodUUID())
        let text = Array(first.description)
        #expect(text[14] == "4")
        #expect("89ab".contains(text[19]))
        #expect(try PodUUID(parsing: first.description) == first)
    }

    @Test func zeroIsReadButRecognised() throws {
        #expect(try PodUUID(parsing: "00000000-0000-0000-0000-000000000000").isZero)
        #expect(!PodUUID().isZero)
    }
}

struct TimestampTests {
    @Test(arguments: [
        "2017-05-02T08:00:00Z", "2017-05-02T08:00:00.123456789012Z", "2016-02-29T23:59:59+05:30",
        "2000-01-01T00:00:00-00:00",
    ])
    func timestampsAreAccepted(text: String) {
        #expect(throws: Never.self) { try Timestamp.check(text) }
    }

    @Test(arguments: [
        "", "2017-05-02", "2017-05-02 08:00:00Z", "2017-05-02t08:00:00Z", "2017-05-02T08:00:00z", "2017-05-02T08:00:00",
        "2017-13-02T08:00:00Z", "2017-02-29T08:00:00Z", "2017-05-02T24:00:00Z", "2017-05-02T08:00:00.Z",
        "2017-05-02T08:00:00+0530", "2017-05-02T08:00:00Z\n",
    ])
    func otherTextsAreRefused(text: String) {
        #expect(throws: ScalarError.self) { try Timestamp.check(text) }
    }
}
