// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// The operating systems and processors that labels may name.
package enum Platform {
    /// The accepted values of `arch` for each value of `os`.
    package static let architectures: [String: [String]] = [
        "linux": [
            "amd64", "i386", "aarch64", "aarch64_be", "armv6l", "armv7l", "armv7b", "ppc64", "ppc64le", "s390x",
        ],
        "freebsd": ["amd64", "i386", "arm"],
        "darwin": ["x86_64", "i386"],
    ]

    /// The value of `os` for images that run here: pods always run on Linux.
    package static let operatingSystem = "linux"

    /// The value of `arch` for images that run here: guests have the processor of this build.
    package static let architecture: String = {
        #if arch(x86_64)
            "amd64"
        #elseif arch(arm64)
            "aarch64"
        #elseif arch(i386)
            "i386"
        #elseif arch(s390x)
            "s390x"
        #elseif arch(powerpc64le)
            "ppc64le"
        #else
            "unknown"
        #endif
    }()

    /// Refuses a list of labels whose `os` is unknown, or whose `arch` does not go with its `os`.
    package static func check(_ labels: Labels) throws(ScalarError) {
        guard let system = labels["os"] else { return }
        guard let known = architectures[system] else {
            let systems = architectures.keys.sorted().joined(separator: ", ")
            throw ScalarError(system, "is not a known os: expected one of \(systems)")
        }
        guard let architecture = labels["arch"], !known.contains(architecture) else { return }
        throw ScalarError(
            architecture, "is not a known arch for os \(system): expected one of \(known.joined(separator: ", "))")
    }

    /// Whether an image with these labels can run here; absent labels stand for "any".
    package static func runs(_ labels: Labels) -> Bool {
        guard let system = labels["os"] else { return true }
        return system == operatingSystem && labels["arch"].map { $0 == architecture } ?? true
    }
}
