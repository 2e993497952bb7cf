// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import ImageFetch
import Testing

struct RegistryReferenceTests {
    private static let digest = "sha256:" + String(repeating: "ab", count: 32)

    @Test(arguments: [
        ("busybox", "registry-1.docker.io/library/busybox:latest"),
        ("docker://redis:3.2", "registry-1.docker.io/library/redis:3.2"),
        ("docker:///redis", "registry-1.docker.io/library/redis:latest"),
        ("docker.io/redis", "registry-1.docker.io/library/redis:latest"),
        ("index.docker.io/team/app", "registry-1.docker.io/team/app:latest"),
        ("team/app:v1_2-x", "registry-1.docker.io/team/app:v1_2-x"),
        ("docker://quay.io/zanui/nginx", "quay.io/zanui/nginx:latest"),
        ("quay.io/nginx", "quay.io/nginx:latest"),
        ("localhost/app", "localhost/app:latest"),
        ("docker://localhost:5000/a/b_c/d--e:T", "localhost:5000/a/b_c/d--e:T"),
        ("[::1]:5000/app", "[::1]:5000/app:latest"),
        ("app@" + digest, "registry-1.docker.io/library/app@" + digest),
        ("quay.io/app:1@" + digest, "quay.io/app:1@" + digest),
    ])
    func textsNameImages(text: String, expected: String) throws {
        let reference = try RegistryReference(parsing: text)
        #expect(reference.description == expected)
        #expect(try RegistryReference(parsing: expected) == reference)
    }

    @Test(arguments: [
        "", "docker://", "docker://quay.io/", "Redis", "a//b", "/a/b", "a/-b", "redis:", "redis:a b", "redis:.x",
        "quay.io:0/x", "quay.io:99999/x", "host:port/x", "user@host.com/x", "app@sha256:12", "app@md5:abc",
        "quay.io/../x", "quay.io/a?b", "qu ay.io/x", "app@sha512:" + String(repeating: "a", count: 128),
        "x:" + String(repeating: "t", count: 129), String(repeating: "a", count: 256), "exa\u{10}mple.com/x",
    ])
    func otherTextsAreRefused(text: String) {
        #expect(throws: ScalarError.self) { try RegistryReference(parsing: text) }
    }

    @Test(arguments: [
        ("redis:3.2", "registry-1.docker.io/library/redis", "3.2"),
        ("localhost:5000/app", "localhost_5000/app", "latest"),
        ("app@" + digest, "registry-1.docker.io/library/app", "sha256-" + String(repeating: "ab", count: 32)),
    ])
    func imagesGetNamesAndVersions(text: String, name: String, version: String) throws {
        let reference = try RegistryReference(parsing: text)
        #expect(try reference.imageName().string == name)
        #expect(reference.version == version)
        // What `rkt image list` prints can be asked for.
        #expect(try ImageName(parsing: "\(name):\(version)").version == version)
    }
}
