// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import ImageFetch
import Testing

struct AuthenticationChallengeTests {
    @Test func challengesAreToldApart() {
        let text =
            #"Basic realm="a, b", Bearer realm="https://x/\"q\"",service=reg.example.com:5000 ,scope="r:a/b:pull,push""#
        #expect(
            AuthenticationChallenge.parse(text) == [
                AuthenticationChallenge(scheme: "basic", parameters: ["realm": "a, b"]),
                AuthenticationChallenge(
                    scheme: "bearer",
                    parameters: [
                        "realm": #"https://x/"q""#, "service": "reg.example.com:5000", "scope": "r:a/b:pull,push",
                    ]),
            ])
    }

    @Test(arguments: ["", ",,", "\"", "=x", "Bearer realm=\"open"])
    func malformedFieldsGiveNoParameters(text: String) {
        #expect(AuthenticationChallenge.parse(text).allSatisfy { $0.parameters.isEmpty })
    }
}
