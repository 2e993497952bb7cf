// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Glibc
import ImageStore
import LinuxPlatform
import Synchronization
import SystemPackage
import TestSupport
import Testing

/// Many users of one store at a time, each with a handle of its own as separate processes have.
struct ConcurrencyTests {
    let fixture: StoreFixture

    init() throws { fixture = try StoreFixture() }

    /// Runs a body in threads of their own and returns the errors.
    private func inParallel(_ count: Int, _ body: @escaping @Sendable (Int) throws -> Void) -> [String] {
        final class Work: Sendable {
            let errors = Mutex<[String]>([])
            let next = Mutex(0)
            let body: @Sendable (Int) throws -> Void
            init(_ body: @escaping @Sendable (Int) throws -> Void) { self.body = body }
            func run() {
                let index = next.withLock { value in
                    value += 1
                    return value - 1
                }
                do { try body(index) } catch { errors.withLock { $0.append("\(error)") } }
            }
        }
        let work = Work(body)
        let context = Unmanaged.passUnretained(work).toOpaque()
        var threads = [pthread_t](repeating: 0, count: count)
        for index in threads.indices {
            pthread_create(
                &threads[index], nil,
                { context in
                    if let context { Unmanaged<Work>.fromOpaque(context).takeUnretainedValue().run() }
                    return nil
                }, context)
        }
        for thread in threads { pthread_join(thread, nil) }
        return withExtendedLifetime(work) { work.errors.withLock { $0 } }
    }

    @Test func manyImportAndRenderTheSameAndOtherImages() throws {
        let shared = try fixture.file("example.com/shared", as: "shared.aci") { tar in
            for index in 0..<50 { tar.add("rootfs/f\(index)", String(repeating: "x", count: 5000)) }
        }
        let own = try (0..<8).map { try fixture.file("example.com/own", version: "\($0)", as: "own\($0).aci") }
        let data = fixture.scratch.appending("data")
        let errors = inParallel(8) { index in
            let store = try ImageStore(dataDirectory: data)
            for round in 0..<3 {
                let image = try store.importImage(at: shared)
                let tree = try store.rendered(image)
                guard try FileSystem.list(tree.rootfs).count == 50 else { throw Errno.ioError }
                let mine = try store.importImage(at: own[index])
                _ = try store.rendered(mine)
                if round == 1 { try store.remove(mine) }
            }
        }
        #expect(errors == [])
        #expect(try fixture.store.images().count == 9)
        #expect(try fixture.store.trees().count == 9)
        #expect(try fixture.leftovers() == [])
    }

    @Test func manyOpenANewStore() throws {
        let data = fixture.scratch.appending("new")
        let path = try fixture.file("example.com/app")
        let errors = inParallel(8) { _ in
            _ = try ImageStore(dataDirectory: data).importImage(at: path)
        }
        #expect(errors == [])
        #expect(try ImageStore(dataDirectory: data).images().count == 1)
    }

    @Test func treesAreRemovedAndRenderedByTurns() throws {
        let path = try fixture.file("example.com/app") { $0.add("rootfs/f", "x") }
        let image = try fixture.store.importImage(at: path)
        let data = fixture.scratch.appending("data")
        let id = try fixture.store.rendered(image).id
        let errors = inParallel(4) { index in
            let store = try ImageStore(dataDirectory: data)
            for _ in 0..<10 {
                if index == 0 {
                    _ = try store.removeTrees([id]) { [] }
                } else {
                    let tree = try store.rendered(image)
                    guard FileSystem.exists(tree.rootfs.appending("f")) else { throw Errno.ioError }
                }
            }
        }
        #expect(errors == [])
    }
}
