// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import LinuxPlatform
import SystemPackage
import TestSupport

/// Small images for tests of the store, whose pods are prepared and never run.
struct StoreImages: Sendable {
    struct Image: Sendable {
        let name: String
        let path: FilePath
    }

    /// Images of apps, with 20 files of 2 KiB each.
    let apps: [Image]
    /// Has no program, which `prepare` does not need.
    let stage1: Image

    /// - Parameters:
    ///   - fixture: has the files among its own.
    ///   - large: how many files of 32 KiB the first image of an app has more.
    init(_ fixture: PodFixture, count: Int, large: Int = 0) throws {
        apps = try (0..<count).map { index in
            let name = "example.com/app-\(index)"
            var tar = TarFixture.image(
                StoreImages.manifest(name, "\"app\":{\"exec\":[\"/f0\"],\"user\":\"0\",\"group\":\"0\"}"))
            for file in 0..<20 { tar.add("rootfs/f\(file)", String(repeating: "\(index)\(file % 10)", count: 1024)) }
            tar.add("rootfs/link", .symbolicLink, link: "f1")
            tar.add("rootfs/hard", .hardLink, link: "rootfs/f2")
            for file in 0..<(index == 0 ? large : 0) {
                if file % 16 == 0 { tar.add("rootfs/d\(file / 16)", .directory) }
                tar.add("rootfs/d\(file / 16)/f\(file)", String(repeating: "\(1000 + file)", count: 8 << 10))
            }
            return try StoreImages.write(tar, name, fixture.path("app-\(index).aci"))
        }
        let entrypoints = ["run", "enter", "gc", "stop"].map {
            "{\"name\":\"coreos.com/rkt/stage1/\($0)\",\"value\":\"/ex/\($0)\"}"
        }
        let version = "{\"name\":\"coreos.com/rkt/stage1/interface-version\",\"value\":\"5\"}"
        let annotations = (entrypoints + [version]).joined(separator: ",")
        let tar = TarFixture.image(StoreImages.manifest("example.com/stage1", "\"annotations\":[\(annotations)]"))
        stage1 = try StoreImages.write(tar, "example.com/stage1", fixture.path("stage1.aci"))
    }

    var all: [Image] { apps + [stage1] }

    private static func manifest(_ name: String, _ extra: String) -> String {
        """
        {"acKind":"ImageManifest","acVersion":"0.8.11","name":"\(name)","labels":[{"name":"version","value":"1.0.0"},\
        {"name":"os","value":"linux"},{"name":"arch","value":"amd64"}],\(extra)}
        """
    }

    private static func write(_ tar: TarFixture, _ name: String, _ path: FilePath) throws -> Image {
        try FileSystem.write(tar.bytes(), to: path)
        return Image(name: name, path: path)
    }
}
