// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import LinuxPlatform
import SystemPackage
import Testing

/// What pods of some stage1 images have and those of others lack, as the annotations of the images say.
package enum Stage1Feature: Sendable, CaseIterable {
    /// A kernel of the pod's own, and with it users, limits and volumes that are the machine's.
    case ownKernel
    case hostKernel
    case ownNetwork
    /// Somebody beside the apps, who prefixes and keeps their output, enforces isolators and records how they end.
    case supervisor
    case severalApps
    case socketActivation
    /// Volumes of the host can go over 9p. The backend decides about it, and no annotation tells.
    case plan9
    /// A test looks at the QEMU that `rkt run` has started itself.
    case emulatorOfRkt

    /// Why a test is not applicable where the feature is absent.
    package var absence: String {
        switch self {
        case .ownKernel: "pods share the kernel of the host"
        case .hostKernel: "pods have a kernel of their own"
        case .ownNetwork: "pods are on the network of the host"
        case .supervisor: "run becomes the app, with nobody beside it"
        case .severalApps: "a pod is one app"
        case .socketActivation: "run takes no sockets"
        case .plan9: "volumes go over virtiofs or none"
        case .emulatorOfRkt: "rkt does not start QEMU itself"
        }
    }
}

/// The stage1 image, and the backend, by which the pods of tests are run where a test names no image.
///
/// RKT_TEST_BACKEND names the backend; RKT_TEST_STAGE1, the path of an image, lets any test be tried with another one. What can
/// be expected of the pods is told by the annotations of the image.
package struct TestedStage1: Sendable {
    /// The backend of the standard image.
    private static let standardBackend = "qemu"

    /// The backend's name in the configuration.
    package let backend: String
    package let image: FilePath
    private let manifest: ImageManifest

    private static let found = Result { try TestedStage1() }

    /// - Throws: when there is no such backend, or its image cannot be read.
    package static var current: TestedStage1 {
        get throws { try found.get() }
    }

    /// Whether the pods of the current image have something; false when it cannot be read.
    package static func has(_ feature: Stage1Feature) -> Bool { (try? found.get())?.has(feature) ?? false }

    /// Whether they lack it; false when the image cannot be read, too.
    package static func lacks(_ feature: Stage1Feature) -> Bool { (try? found.get())?.has(feature) == false }

    private init() throws {
        backend = ProcessImage.variable("RKT_TEST_BACKEND") ?? Self.standardBackend
        let named = ProcessImage.variable("RKT_TEST_STAGE1").map { FilePath($0) }
        let images = [
            Self.standardBackend: BuildProducts.stage1, "libvirt": BuildProducts.stage1,
            "nspawn": BuildProducts.containerStage1, "fly": BuildProducts.flyStage1,
        ]
        guard let image = images[backend] else {
            throw Requirement(description: "RKT_TEST_BACKEND is \"\(backend)\", not one of \(images.keys.sorted())")
        }
        self.image = named ?? image
        manifest = try ImageManifest(parsing: Program.output("tar", "-xOf", self.image.string, "manifest"))
    }

    package func has(_ feature: Stage1Feature) -> Bool {
        switch feature {
        case .ownKernel: says("own-kernel")
        case .hostKernel: !says("own-kernel")
        case .ownNetwork: !says("host-network")
        case .supervisor, .severalApps: !says("direct")
        case .socketActivation: says("socket-activation")
        case .plan9, .emulatorOfRkt: says("own-kernel") && backend == Self.standardBackend
        }
    }

    /// The image is not the one that rkt takes by itself.
    var isNamed: Bool { image != BuildProducts.stage1 }

    /// What the host's configuration of machines has to say for pods to be run by the backend; nil when nothing.
    var configuration: String? {
        guard has(.ownKernel), backend != Self.standardBackend else { return nil }
        return #"{"rktKind":"hypervisor","rktVersion":"v1","backend":"\#(backend)"}"#
    }

    private func says(_ annotation: String) -> Bool {
        manifest.annotation("coreos.com/rkt/stage1/\(annotation)") == "true"
    }
}

extension Trait where Self == ConditionTrait {
    /// For tests of something that pods have only by some stage1 images.
    ///
    /// With others the test is not applicable, which `Tests/run.sh` counts apart from what is skipped for want of something.
    package static func requires(_ feature: Stage1Feature) -> Self {
        .enabled("not applicable: \(feature.absence)") { try TestedStage1.current.has(feature) }
    }
}
