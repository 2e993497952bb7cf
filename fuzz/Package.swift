// swift-tools-version: 6.2
// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import PackageDescription

// A package of its own, so that instrumented code is never in a normal build. Its sources are links into ../Sources.

let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let system = Target.Dependency.product(name: "SystemPackage", package: "swift-system")

/// Counts which edges of the code an input reaches; that is what libFuzzer is guided by.
let instrumented: [SwiftSetting] = [.unsafeFlags(["-sanitize=fuzzer"])]

let inputs = ["manifest", "archive", "frames", "journal"]

let package = Package(
    name: "rkt-fuzz",
    dependencies: [
        .package(url: "https://github.com/apple/swift-log.git", exact: "1.16.2"),
        .package(url: "https://github.com/apple/swift-system.git", exact: "1.8.1"),
    ],
    targets: [
        .systemLibrary(name: "CLibArchive", pkgConfig: "libarchive", providers: [.apt(["libarchive-dev"])]),
        .target(name: "CLinuxShims", cSettings: [.define("_GNU_SOURCE")]),
        .target(name: "Diagnostics", dependencies: [logging]),
        .target(name: "LinuxPlatform", dependencies: ["CLinuxShims", "Diagnostics", system]),
        .target(name: "AppContainer", dependencies: ["Diagnostics"], swiftSettings: instrumented),
        .target(name: "GuestProtocol", swiftSettings: instrumented),
        .target(name: "Crypto"),
        .target(
            name: "ImageArchive",
            dependencies: ["CLibArchive", "Diagnostics", "LinuxPlatform", "AppContainer", "Crypto", system],
            swiftSettings: instrumented),
        .target(
            name: "Guest", dependencies: ["Diagnostics", "GuestProtocol", "LinuxPlatform", system],
            sources: ["JournalFile.swift"],
            swiftSettings: instrumented),
        .target(
            name: "FuzzTargets",
            dependencies: [
                "AppContainer", "CLinuxShims", "Diagnostics", "GuestProtocol", "Guest", "ImageArchive",
                "LinuxPlatform", system,
            ], swiftSettings: instrumented),
    ]
        + inputs.map {
            .executableTarget(
                name: "fuzz-\($0)", dependencies: ["FuzzTargets"],
                cSettings: [.define("FUZZ_TARGET", to: "rkt_fuzz_\($0)")],
                linkerSettings: [.unsafeFlags(["-sanitize=fuzzer"])])
        },
    swiftLanguageModes: [.v6]
)
