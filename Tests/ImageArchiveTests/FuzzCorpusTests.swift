// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import TestSupport
import Testing

/// Replays what fuzzing has found; a trap ends the whole run.
struct FuzzCorpusTests {
    @Test func manifestsAreRefusedOrReadTheSameAgain() throws {
        var accepted = 0
        let inputs = try FuzzCorpus.inputs("manifest")
        for (name, bytes) in inputs {
            if let image = try? ImageManifest(parsing: bytes) {
                accepted += 1
                #expect(try ImageManifest(parsing: image.encoded().utf8) == image, "\(name)")
            } else if let pod = try? PodManifest(parsing: bytes) {
                accepted += 1
                #expect(try PodManifest(parsing: pod.encoded().utf8) == pod, "\(name)")
            } else {
                _ = try? PartialImageManifest(parsing: bytes)
                _ = try? PartialPodManifest(parsing: bytes)
            }
        }
        #expect(accepted > 0 && accepted < inputs.count)
    }

    @Test func archivesAreReadOrRefusedWithAReason() throws {
        let fixture = try ArchiveFixture()
        var accepted = 0
        let inputs = try FuzzCorpus.inputs("archive")
        for (name, bytes) in inputs {
            let refusal = try fixture.refusal(bytes)
            if refusal == "accepted" { accepted += 1 } else { #expect(refusal.contains("image.aci"), "\(name)") }
        }
        #expect(accepted > 0 && accepted < inputs.count)
    }
}
