// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTransport
import Testing

struct HTTPResponseTests {
    @Test func fieldsAreFoundWithoutRegardToCase() {
        let response = HTTPResponse(status: 200, fields: [HTTPField("ETag", "\"a\"")], url: "https://example.com/")
        #expect(response["etag"] == "\"a\"")
        #expect(response["Content-Type"] == nil)
    }
}
