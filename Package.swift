// swift-tools-version: 6.2
// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import PackageDescription

// The dependencies of each target are the layer table of this project: a target imports only what it declares.

let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let system = Target.Dependency.product(name: "SystemPackage", package: "swift-system")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let httpClient = Target.Dependency.product(name: "AsyncHTTPClient", package: "async-http-client")
let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let nioHTTP1 = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
let nioSSL = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")
let hummingbirdCore = Target.Dependency.product(name: "HummingbirdCore", package: "hummingbird")
let grpcCore = Target.Dependency.product(name: "GRPCCore", package: "grpc-swift-2")
let grpcTransport = Target.Dependency.product(
    name: "GRPCNIOTransportHTTP2Posix", package: "grpc-swift-nio-transport")
let grpcProtobuf = Target.Dependency.product(name: "GRPCProtobuf", package: "grpc-swift-protobuf")
let protobuf = Target.Dependency.product(name: "SwiftProtobuf", package: "swift-protobuf")
let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")

/// `rkt` carries the Swift runtime and links C libraries dynamically: it needs no Swift on the host.
let staticRuntime: [LinkerSetting] = [
    .unsafeFlags([
        "-static-stdlib", "-lFoundation", "-lFoundationInternationalization", "-lCoreFoundation", "-l_FoundationICU",
        "-lFoundationEssentials", "-l_FoundationCollections", "-l_FoundationCShims", "-lswiftSynchronization",
        "-lswiftDispatch", "-ldispatch", "-lBlocksRuntime",
    ])
]

/// Stage1 and guest programs run in any root filesystem: nothing is loaded at run time.
let staticExecutable: [LinkerSetting] = [
    .unsafeFlags([
        "-static-executable", "-lFoundationEssentials", "-l_FoundationCollections", "-l_FoundationCShims",
        "-lswiftSynchronization",
    ])
]

let package = Package(
    name: "rkt",
    traits: [
        .trait(name: "Libvirt", description: "The backend of libvirt, which is a shared library."),
        .default(enabledTraits: ["Libvirt"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser.git", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log.git", exact: "1.16.2"),
        .package(url: "https://github.com/apple/swift-system.git", exact: "1.8.1"),
        .package(url: "https://github.com/apple/swift-crypto.git", exact: "4.5.2"),
        .package(url: "https://github.com/swift-server/async-http-client.git", exact: "1.37.0"),
        .package(url: "https://github.com/apple/swift-nio.git", exact: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl.git", exact: "2.37.6"),
        .package(url: "https://github.com/groue/GRDB.swift.git", exact: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird.git", exact: "2.28.1", traits: []),
        .package(url: "https://github.com/grpc/grpc-swift-2.git", exact: "2.4.3"),
        .package(url: "https://github.com/grpc/grpc-swift-nio-transport.git", exact: "2.9.2"),
        .package(url: "https://github.com/grpc/grpc-swift-protobuf.git", exact: "2.4.1"),
        .package(url: "https://github.com/apple/swift-protobuf.git", exact: "1.39.0"),
    ],
    targets: [
        // C
        .systemLibrary(name: "CLibArchive", pkgConfig: "libarchive", providers: [.apt(["libarchive-dev"])]),
        .systemLibrary(name: "CSeccomp", pkgConfig: "libseccomp", providers: [.apt(["libseccomp-dev"])]),
        .systemLibrary(name: "CGPGME", pkgConfig: "gpgme", providers: [.apt(["libgpgme-dev"])]),
        .systemLibrary(name: "CSystemd", pkgConfig: "libsystemd", providers: [.apt(["libsystemd-dev"])]),
        .systemLibrary(name: "CLibvirt", pkgConfig: "libvirt-qemu", providers: [.apt(["libvirt-dev"])]),
        .target(name: "CLinuxShims", cSettings: [.define("_GNU_SOURCE")]),
        .target(name: "CGuestBoot", cSettings: [.define("_GNU_SOURCE")]),

        // 1: values and the kernel
        .target(name: "Diagnostics", dependencies: [logging]),
        .target(name: "LinuxPlatform", dependencies: ["CLinuxShims", "Diagnostics", system]),
        .target(name: "AppContainer", dependencies: ["Diagnostics"]),
        .target(name: "GuestProtocol", dependencies: []),

        // 2: parts that know one thing
        .target(
            name: "ImageArchive",
            dependencies: ["CLibArchive", "Diagnostics", "LinuxPlatform", "AppContainer", system, crypto]),
        .target(name: "HTTPTransport", dependencies: ["Diagnostics", "LinuxPlatform", system]),
        .target(
            name: "SignatureTrust",
            dependencies: ["CGPGME", "Diagnostics", "LinuxPlatform", "AppContainer", system, crypto]),
        .target(
            name: "HostConfiguration",
            dependencies: ["Diagnostics", "LinuxPlatform", "AppContainer", "Hypervisor", system]),
        .target(name: "SystemdUnits", dependencies: []),
        .target(name: "PodStore", dependencies: ["Diagnostics", "LinuxPlatform", "AppContainer", system]),
        .target(name: "PodJournal", dependencies: ["Diagnostics", "LinuxPlatform", "GuestProtocol", system]),
        .target(name: "Hypervisor", dependencies: ["Diagnostics", "LinuxPlatform", system]),
        .target(name: "Networking", dependencies: ["Diagnostics", "LinuxPlatform", "AppContainer", system]),

        .target(
            name: "MetadataRegistration", dependencies: ["Diagnostics", "LinuxPlatform", "AppContainer", system]),
        // Generated from dist/proto by `make protobuf`.
        .target(
            name: "RktAPI", dependencies: [grpcCore, grpcProtobuf, protobuf], exclude: ["Generated/SOURCES"]),

        // 3: stores, backends, the guest's side
        .target(name: "HostSystemd", dependencies: ["CSystemd", "Diagnostics"]),
        .target(
            name: "ImageStore",
            dependencies: ["Diagnostics", "LinuxPlatform", "AppContainer", "ImageArchive", grdb, system, crypto]),
        .target(
            name: "ImageFetch",
            dependencies: [
                "Diagnostics", "LinuxPlatform", "AppContainer", "HTTPTransport", "ImageArchive", "SignatureTrust",
                "HostConfiguration", "ImageStore", system, crypto,
            ]),
        .target(
            name: "Downloader",
            dependencies: [
                "Diagnostics", "LinuxPlatform", "HTTPTransport", httpClient, nioCore, nioPosix, nioHTTP1, nioSSL,
                system,
            ]),
        .target(
            name: "Backends", dependencies: ["Diagnostics", "LinuxPlatform", "AppContainer", "Hypervisor", system]),
        .target(
            name: "Measurement",
            dependencies: ["Diagnostics", "LinuxPlatform", "AppContainer", "HostConfiguration", system, crypto]),
        .target(
            name: "DomainKeeper", dependencies: ["Diagnostics", "LinuxPlatform", "AppContainer", system]),
        .target(
            name: "Guest",
            dependencies: ["CGuestBoot", "CLinuxShims", "Diagnostics", "GuestProtocol", "LinuxPlatform", system]),

        .target(
            name: "MetadataService",
            dependencies: [
                "Diagnostics", "LinuxPlatform", "AppContainer", hummingbirdCore, nioCore, nioPosix, crypto, logging,
                system,
            ]),

        // 4: the stages
        .target(
            name: "Stage0",
            dependencies: [
                "Diagnostics", "LinuxPlatform", "AppContainer", "HTTPTransport", "ImageArchive", "ImageStore",
                "ImageFetch", "SignatureTrust", "HostConfiguration", "PodStore", "PodJournal", "GuestProtocol",
                "Hypervisor", "Networking", "MetadataRegistration", "Measurement", system,
            ]),
        .target(
            name: "Stage1",
            dependencies: [
                "CSeccomp", "Diagnostics", "LinuxPlatform", "AppContainer", "GuestProtocol", "SystemdUnits", "PodStore",
                "PodJournal", "HostConfiguration", "Hypervisor", "Networking", "MetadataRegistration", "Measurement",
                system,
            ]),

        // 5: the command line, and the API
        .target(
            name: "APIService",
            dependencies: [
                "Diagnostics", "LinuxPlatform", "AppContainer", "ImageStore", "PodStore", "PodJournal", "GuestProtocol",
                "HostConfiguration", "Stage0", "RktAPI", grpcCore, grpcTransport, grpcProtobuf, protobuf, nioCore,
                nioPosix, system,
            ]),
        .target(
            name: "Commands",
            dependencies: [
                "Diagnostics", "LinuxPlatform", "AppContainer", "ImageArchive", "ImageStore", "PodStore", "Stage0",
                "HTTPTransport", "ImageFetch", "SignatureTrust", "HostConfiguration", "GuestProtocol", "PodJournal",
                argumentParser, logging, system,
            ]),

        .executableTarget(name: "rkt", dependencies: ["Commands"], linkerSettings: staticRuntime),
        // Talks to the network, so that the HTTP stack neither slows the start of `rkt` down nor runs in it.
        .executableTarget(name: "download", dependencies: ["Downloader"], linkerSettings: staticRuntime),
        // They listen, and hold no more than they need.
        .executableTarget(name: "metadata-service", dependencies: ["MetadataService"], linkerSettings: staticRuntime),
        .executableTarget(name: "api-service", dependencies: ["APIService"], linkerSettings: staticRuntime),
        // libsystemd is a shared library only, and stage1 is static.
        .executableTarget(
            name: "machine-registration", dependencies: ["HostSystemd"], linkerSettings: staticRuntime),
        // stage1 is static and libvirt a shared library: this program has it, where the trait is on, for one domain.
        .executableTarget(
            name: "libvirt-domain",
            dependencies: [
                "DomainKeeper", "Diagnostics", "LinuxPlatform", system,
                .target(name: "CLibvirt", condition: .when(traits: ["Libvirt"])),
            ], linkerSettings: staticRuntime),
        .executableTarget(name: "stage1", dependencies: ["Stage1", "Backends"], linkerSettings: staticExecutable),
        .executableTarget(name: "rkt-guest", dependencies: ["Guest"], linkerSettings: staticExecutable),

        // Tests
        .executableTarget(
            name: "ace-validator", dependencies: ["AppContainer"], path: "Tests/validator",
            linkerSettings: staticExecutable),
        .target(
            name: "CFilesystemCalls", path: "Tests/filesystem/CFilesystemCalls",
            cSettings: [.define("_GNU_SOURCE")]),
        .executableTarget(
            name: "filesystem-check", dependencies: ["CFilesystemCalls"], path: "Tests/filesystem/Check",
            linkerSettings: staticExecutable),
        .executableTarget(name: "network-peer", path: "Tests/peer", linkerSettings: staticExecutable),
        .executableTarget(
            name: "api-client", dependencies: ["RktAPI", grpcCore, grpcTransport, protobuf], path: "Tests/api-client",
            linkerSettings: staticRuntime),
        .target(
            name: "TestSupport", dependencies: ["Diagnostics", "LinuxPlatform", "AppContainer", system, crypto],
            path: "Tests/TestSupport"),
        .testTarget(name: "DiagnosticsTests", dependencies: ["Diagnostics"]),
        .testTarget(name: "LinuxPlatformTests", dependencies: ["LinuxPlatform", "Diagnostics", "TestSupport", system]),
        .testTarget(name: "AppContainerTests", dependencies: ["AppContainer"]),
        .testTarget(name: "GuestProtocolTests", dependencies: ["GuestProtocol"]),
        .testTarget(
            name: "ImageArchiveTests",
            dependencies: [
                "ImageArchive", "ImageStore", "TestSupport", "AppContainer", "Diagnostics", "LinuxPlatform",
            ]),
        .testTarget(name: "HTTPTransportTests", dependencies: ["HTTPTransport", "TestSupport"]),
        .testTarget(name: "DownloaderTests", dependencies: ["Downloader", "TestSupport"]),
        .testTarget(name: "SignatureTrustTests", dependencies: ["SignatureTrust", "TestSupport", crypto]),
        .testTarget(
            name: "MeasurementTests",
            dependencies: [
                "Measurement", "HostConfiguration", "AppContainer", "Diagnostics", "LinuxPlatform", "TestSupport",
                system,
            ]),
        .testTarget(name: "HostConfigurationTests", dependencies: ["HostConfiguration", "Hypervisor", "TestSupport"]),
        .testTarget(
            name: "ImageFetchTests",
            dependencies: [
                "ImageFetch", "TestSupport", "AppContainer", "Diagnostics", "HTTPTransport", "HostConfiguration",
                "ImageArchive", "ImageStore", "LinuxPlatform",
            ]),
        .testTarget(
            name: "HostSystemdTests",
            dependencies: ["CSystemd", "Diagnostics", "HostSystemd", "LinuxPlatform", "TestSupport", system]),
        .testTarget(name: "SystemdUnitsTests", dependencies: ["SystemdUnits"]),
        .testTarget(
            name: "PodStoreTests",
            dependencies: ["PodStore", "TestSupport", "AppContainer", "Diagnostics", "LinuxPlatform"]),
        .testTarget(name: "PodJournalTests", dependencies: ["PodJournal", "GuestProtocol", "TestSupport"]),
        .testTarget(
            name: "NetworkingTests",
            dependencies: [
                "CLinuxShims", "Networking", "TestSupport", "AppContainer", "Diagnostics", "LinuxPlatform", system,
            ]),
        .testTarget(
            name: "HypervisorTests",
            dependencies: ["Hypervisor", "Diagnostics", "LinuxPlatform", "TestSupport", system]),
        .testTarget(
            name: "ImageStoreTests",
            dependencies: ["ImageStore", "TestSupport", "AppContainer", "Diagnostics", "LinuxPlatform"]),
        .testTarget(
            name: "BackendsTests",
            dependencies: ["Backends", "Hypervisor", "TestSupport", "AppContainer", "Diagnostics", "LinuxPlatform"],
            exclude: ["Golden"]),
        .testTarget(
            name: "DomainKeeperTests",
            dependencies: [
                "DomainKeeper", "Backends", "AppContainer", "Diagnostics", "LinuxPlatform", "TestSupport", system,
            ]),
        .testTarget(
            name: "GuestTests",
            dependencies: ["Guest", "GuestProtocol", "Diagnostics", "LinuxPlatform", "TestSupport", system]),
        .testTarget(
            name: "MetadataServiceTests",
            dependencies: [
                "MetadataService", "MetadataRegistration", "AppContainer", "Diagnostics", "LinuxPlatform",
                "TestSupport", crypto, system,
            ]),
        .testTarget(
            name: "APIServiceTests",
            dependencies: [
                "APIService", "RktAPI", "AppContainer", "Diagnostics", "ImageStore", "LinuxPlatform", "PodStore",
                "PodJournal", "GuestProtocol", "Stage0", "TestSupport", grpcCore, grpcProtobuf, protobuf, system,
            ]),
        .testTarget(
            name: "Stage0Tests",
            dependencies: [
                "Stage0", "TestSupport", "AppContainer", "Diagnostics", "HTTPTransport", "LinuxPlatform", "PodStore",
                "PodJournal", "GuestProtocol", "HostConfiguration", "Hypervisor",
            ]),
        .testTarget(
            name: "Stage1Tests",
            dependencies: [
                "Stage1", "AppContainer", "Diagnostics", "GuestProtocol", "HostConfiguration", "Hypervisor",
                "MetadataRegistration", "PodJournal", "PodStore", "SystemdUnits", "TestSupport",
            ]),
        .testTarget(
            name: "CommandsTests",
            dependencies: [
                "Commands", "TestSupport", "AppContainer", "Diagnostics", "ImageArchive", "ImageStore", "LinuxPlatform",
                "PodStore", "Stage0", "GuestProtocol",
            ],
            exclude: ["manual-flags.list"]),
        .testTarget(
            name: "IntegrationTests",
            dependencies: [
                "TestSupport", "AppContainer", "LinuxPlatform", "Networking", "GuestProtocol", "Hypervisor", "Backends",
                "Stage1", "SystemdUnits",
            ]),
    ],
    swiftLanguageModes: [.v6]
)
