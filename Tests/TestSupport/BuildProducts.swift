// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import LinuxPlatform
import SystemPackage

/// What `make all images` has put into the build directory, which is RKT_BUILD or `build`.
package enum BuildProducts {
    package static let directory: FilePath = {
        let named = getenv("RKT_BUILD").map { FilePath(String(cString: $0)) } ?? "build"
        if named.isAbsolute { return named }
        return FilePath((try? FileSystem.readSymbolicLink("/proc/self/cwd")) ?? "/").pushing(named)
    }()

    package static var rkt: FilePath { directory.appending("rkt") }
    package static var stage1: FilePath { directory.appending("stage1-kvm.aci") }
    package static var containerStage1: FilePath { directory.appending("stage1-nspawn.aci") }
    package static var flyStage1: FilePath { directory.appending("stage1-fly.aci") }
    package static var kernel: FilePath { directory.appending("kernel").appending("vmlinux") }
    /// The root image of guests.
    package static var guestRoot: FilePath { directory.appending("stage1").appending("guest.erofs") }
    package static var kernelRelease: FilePath { directory.appending("kernel").appending("release") }

    /// The `download` program.
    package static let download = programs.appending("download")
    /// The `metadata-service` program.
    package static let metadataService = programs.appending("metadata-service")
    /// The program that talks to systemd-machined.
    package static let machineRegistration = programs.appending("machine-registration")
    /// The program that checks what apps are promised, for images.
    package static let validator = programs.appending("ace-validator")

    /// The program that checks what a file system does, for images.
    package static let filesystemCheck = programs.appending("filesystem-check")

    /// The program that speaks on networks, for images and for the host.
    package static let networkPeer = programs.appending("network-peer")

    /// The program that calls the API service.
    package static let apiClient = programs.appending("api-client")
    /// The same with the packages of Python.
    package static let pythonAPIClient = (0..<2).reduce(FilePath(#filePath)) { path, _ in path.removingLastComponent() }
        .appending("servers").appending("api-client.sh")
    /// The directory of the API's proto.
    package static let protos = (0..<3).reduce(FilePath(#filePath)) { path, _ in path.removingLastComponent() }
        .appending("dist").appending("proto")

    /// Programs are built with the tests and lie beside them.
    private static let programs = FilePath((try? FileSystem.readSymbolicLink("/proc/self/exe")) ?? "/")
        .removingLastComponent()

    /// An image of `Tests/images`.
    package static func image(_ name: String) -> FilePath {
        directory.appending("images").appending("\(name).aci")
    }

    /// A kernel of the distribution as its package's files lie below `/`.
    package static func kernelPackage(_ flavour: String) -> FilePath {
        directory.appending("kernels").appending(flavour)
    }

    /// The program that makes stage1 images with other kernels.
    package static let kernelImage = (0..<3).reduce(FilePath(#filePath)) { path, _ in path.removingLastComponent() }
        .appending("stage1").appending("kernel-image.sh")

    /// The first program of a virtual machine that is a host with systemd.
    package static let systemdHost = (0..<2).reduce(FilePath(#filePath)) { path, _ in path.removingLastComponent() }
        .appending("servers").appending("systemd-host.sh")

    /// Units of systemd, with what stands beside them in directories.
    package static let units = (0..<3).reduce(FilePath(#filePath)) { path, _ in path.removingLastComponent() }
        .appending("dist").appending("systemd")

    /// Where what is known about a failed test is kept.
    package static var failures: FilePath { directory.appending("tests").appending("failed") }

    /// The files that integration tests need and that are not there.
    package static var missing: [FilePath] {
        [rkt, stage1, kernel, guestRoot, kernelRelease, image("busybox"), image("redis"), image("probe")]
            .filter { !FileSystem.exists($0) }
    }
}
