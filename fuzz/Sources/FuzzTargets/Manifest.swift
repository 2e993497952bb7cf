// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer

/// Reads an image or pod manifest; one that is accepted must be read the same again from what is written.
@_cdecl("rkt_fuzz_manifest")
package func fuzzManifest(_ bytes: UnsafePointer<UInt8>, _ count: Int) {
    // SAFETY: libFuzzer passes `count` readable bytes.
    let document = Array(UnsafeBufferPointer(start: bytes, count: count))
    if let image = try? ImageManifest(parsing: document) {
        _ = image.warnings
        for pretty in [false, true] {
            let again = try? ImageManifest(parsing: image.encoded(pretty: pretty).utf8)
            precondition(again == image, "an image manifest changes when it is written")
        }
        _ = try? image.app?.isolators.capabilityBoundingSet()
    } else if let pod = try? PodManifest(parsing: document) {
        _ = pod.warnings
        _ = try? pod.forwardedPorts { $0.app }
        _ = ResourceDemand(pod.apps.map { $0.app?.isolators ?? [] }).machineMemory()
        let again = try? PodManifest(parsing: pod.encoded().utf8)
        precondition(again == pod, "a pod manifest changes when it is written")
    } else {
        _ = try? PartialImageManifest(parsing: document)
        _ = try? PartialPodManifest(parsing: document)
    }
}
