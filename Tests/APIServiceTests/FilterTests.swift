// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import APIService
import AppContainer
import ImageStore
import RktAPI
import Stage0
import Testing

struct PodFilterTests {
    private func passes(
        _ facts: PodFacts? = nil, _ change: (inout V1alpha_PodFilter) -> Void
    ) throws -> Bool {
        let facts = try facts ?? SomePod.facts()
        var filter = V1alpha_PodFilter()
        change(&filter)
        return filter.passes(facts, V1alpha_Pod(facts))
    }

    @Test func anEmptyFilterLetsAllPass() throws { #expect(try passes { _ in }) }

    @Test func ofValuesThatAPodHasOneOfOneIsEnough() throws {
        #expect(try passes { $0.ids = ["other", SomePod.uuid] })
        #expect(try !passes { $0.ids = ["0a1b2c3d"] })
        #expect(try passes { $0.states = [.exited, .running] })
        #expect(try !passes { $0.states = [.exited] })
        #expect(try passes { $0.cgroups = ["/", "/machine/pod"] })
        #expect(try !passes { $0.cgroups = ["/machine"] })
        #expect(try passes { $0.podSubCgroups = ["/x", "/machine/pod/app"] })
        #expect(try !passes { $0.podSubCgroups = ["/machine/pods"] })
    }

    @Test func ofValuesThatAPodHasManyOfAllAreWanted() throws {
        #expect(try passes { $0.appNames = ["web", "log"] })
        #expect(try !passes { $0.appNames = ["web", "mail"] })
        #expect(try passes { $0.imageIds = [SomePod.imageID] })
        #expect(try !passes { $0.imageIds = [SomePod.imageID, "sha512-00"] })
        #expect(try passes { $0.networkNames = ["other", "default"] })
        #expect(try !passes { $0.networkNames = ["default", "third"] })
        #expect(try passes { $0.annotations = [V1alpha_KeyValue("note", "1"), V1alpha_KeyValue("other", "2")] })
        #expect(try !passes { $0.annotations = [V1alpha_KeyValue("note", "2")] })
    }

    @Test func allFieldsOfAFilterMustPass() throws {
        #expect(
            try !passes {
                $0.states = [.running]
                $0.appNames = ["mail"]
            })
    }

    @Test func aPodThatCannotBeReadPassesByIDAndStateOnly() throws {
        var facts = try SomePod.facts()
        facts.manifest = nil
        #expect(
            try passes(facts) {
                $0.ids = [SomePod.uuid]
                $0.states = [.running]
            })
        #expect(try !passes(facts) { $0.appNames = ["web"] })
        #expect(try !passes(facts) { $0.cgroups = ["/machine/pod"] })
    }

    @Test func aPodThatDoesNotRunIsInNoControlGroup() throws {
        let facts = try SomePod.facts(.exited, cgroup: "")
        #expect(try !passes(facts) { $0.cgroups = [""] })
        #expect(try !passes(facts) { $0.podSubCgroups = ["/machine"] })
    }

    @Test func whatCannotBeIsAFlaw() {
        var filter = V1alpha_PodFilter()
        #expect(filter.flaw == nil)
        filter.states = [.UNRECOGNIZED(99)]
        #expect(filter.flaw != nil)
        filter.states = []
        filter.ids = [""]
        #expect(filter.flaw != nil)
    }

    @Test func onlyNamedPodsAreLookedAtWhenAllFiltersNameSome() throws {
        var named = V1alpha_PodFilter()
        named.ids = [SomePod.uuid, "no-uuid"]
        #expect([named, named].onlyPods == [try PodUUID(parsing: SomePod.uuid)])
        #expect([named, V1alpha_PodFilter()].onlyPods == nil)
        #expect([V1alpha_PodFilter]().onlyPods == nil)
    }
}

struct ImageFilterTests {
    private func image() throws -> V1alpha_Image {
        let id = try ImageID(parsing: "sha512-" + String(repeating: "c", count: 128))
        let stored = StoredImage(
            id: id.keyOnly, fullID: id, name: "example.com/tools/web",
            labels: [
                Label(name: try ACIdentifier(parsing: "version"), value: "1.2"),
                Label(name: try ACIdentifier(parsing: "os"), value: "linux"),
            ], importTime: 1000_500_000_000, lastUsed: 0, size: 10, treeSize: 32)
        return V1alpha_Image(
            ImageFacts(
                image: stored, annotations: [Annotation(name: try ACIdentifier(parsing: "note"), value: "x")],
                format: .docker))
    }

    private func passes(_ change: (inout V1alpha_ImageFilter) -> Void) throws -> Bool {
        var filter = V1alpha_ImageFilter()
        change(&filter)
        return filter.passes(try image())
    }

    @Test func valuesAreThoseOfTheList() throws {
        let image = try image()
        #expect(image.id == "sha512-" + String(repeating: "c", count: 64))
        #expect([image.name, image.version] == ["example.com/tools/web", "1.2"])
        #expect(image.size == 42)
        #expect(image.importTimestamp == 1000)
        #expect(image.baseFormat.type == .docker)
        #expect(image.labels.map(\.key) == ["version", "os"])
        #expect(image.annotations == [V1alpha_KeyValue("note", "x")])
    }

    @Test func everyFieldDecides() throws {
        let id = "sha512-" + String(repeating: "c", count: 64)
        #expect(try passes { _ in })
        #expect(try passes { $0.ids = [id] })
        #expect(try !passes { $0.ids = [String(id.dropLast())] })
        #expect(try passes { $0.prefixes = ["x", "example.com/"] })
        #expect(try !passes { $0.prefixes = ["web"] })
        #expect(try passes { $0.baseNames = ["web"] })
        #expect(try !passes { $0.baseNames = ["tools/web"] })
        #expect(try passes { $0.keywords = ["tools"] })
        #expect(try !passes { $0.keywords = ["mail"] })
        #expect(try passes { $0.labels = [V1alpha_KeyValue("os", "linux"), V1alpha_KeyValue("version", "1.2")] })
        #expect(try !passes { $0.labels = [V1alpha_KeyValue("os", "linux"), V1alpha_KeyValue("version", "2")] })
        #expect(try passes { $0.annotations = [V1alpha_KeyValue("note", "x")] })
        #expect(try !passes { $0.annotations = [V1alpha_KeyValue("note", "y")] })
        #expect(try passes { $0.fullNames = ["example.com/tools/web"] })
        #expect(try !passes { $0.fullNames = ["example.com/tools"] })
    }

    @Test func boundsOfTheImportAreExclusive() throws {
        #expect(try passes { $0.importedAfter = 999 })
        #expect(try !passes { $0.importedAfter = 1000 })
        #expect(try passes { $0.importedBefore = 1001 })
        #expect(try !passes { $0.importedBefore = 1000 })
    }

    @Test func formatIsThatOfTheOriginAskedLast() {
        #expect(V1alpha_ImageType([StoredOrigin(point: "cimd:docker:v=0:busybox")]) == .docker)
        #expect(V1alpha_ImageType([StoredOrigin(point: "cimd:oci-image-layout:v=0:file%3A")]) == .oci)
        #expect(V1alpha_ImageType([StoredOrigin(point: "cimd:appc:v=0:a")]) == .appc)
        #expect(V1alpha_ImageType([]) == .appc)
    }
}
