// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import CFilesystemCalls

/// Makes, links, renames and removes at random, and keeps what there has to be.
struct RandomTree {
    private let seed: UInt64
    private var generator: SeededGenerator
    /// What each path has to be: a directory, or a file with this text.
    private var model: [String: String?] = [:]

    init(seed: UInt64) {
        self.seed = seed
        generator = SeededGenerator(seed: seed)
    }

    func run(_ steps: Int) throws {
        var copy = self
        for step in 0..<steps {
            do {
                try copy.change(step)
                if step % 50 == 49 || step == steps - 1 { try copy.compare("") }
            } catch let error as Unfulfilled {
                throw Unfulfilled("seed \(seed), step \(step): \(error.text)")
            }
        }
    }

    /// One of few paths, so that they often exist: up to three names, each one of four.
    private mutating func path() -> String {
        let depth = Int.random(in: 1...3, using: &generator)
        return (0..<depth).map { _ in "abcd".randomElement(using: &generator).map(String.init) ?? "a" }
            .joined(separator: "/")
    }

    private func parent(_ path: String) -> String { path.split(separator: "/").dropLast().joined(separator: "/") }

    private func isDirectory(_ path: String) -> Bool {
        if path.isEmpty { return true }
        guard let entry = model[path] else { return false }
        return entry == nil
    }

    private func isFile(_ path: String) -> Bool { model[path] != nil && !isDirectory(path) }
    private func below(_ path: String) -> [String] { model.keys.filter { $0.hasPrefix("\(path)/") } }

    /// Does one thing, and compares whether it succeeded with whether it had to.
    private mutating func change(_ step: Int) throws {
        let path = path(), other = self.path()
        let hasPlace = isDirectory(parent(path)), otherHasPlace = isDirectory(parent(other))
        switch Int.random(in: 0..<7, using: &generator) {
        case 0:
            let may = hasPlace && model[path] == nil
            try outcome("mkdir \(path)", mkdir(path, 0o755), may)
            if may { model.updateValue(nil, forKey: path) }
        case 1, 2:
            let may = hasPlace && !isDirectory(path)
            let descriptor = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0o644)
            try outcome("creating \(path)", descriptor, may)
            guard may else { return }
            try File(descriptor: descriptor, path).write("\(step)")
            _ = close(descriptor)
            model[path] = "\(step)"
        case 3:
            try outcome("unlink \(path)", unlink(path), isFile(path))
            if isFile(path) { model[path] = nil }
        case 4:
            let may = isDirectory(path) && below(path).isEmpty
            try outcome("rmdir \(path)", rmdir(path), may)
            if may { model[path] = nil }
        default: try move(path, other, otherHasPlace)
        }
    }

    private mutating func move(_ from: String, _ to: String, _ hasPlace: Bool) throws {
        var may = model[from] != nil && hasPlace && !to.hasPrefix("\(from)/") && !from.hasPrefix("\(to)/")
        if isDirectory(from) {
            may = may && !isFile(to) && below(to).isEmpty || from == to
        } else {
            may = may && !isDirectory(to)
        }
        try outcome("rename \(from) to \(to)", rename(from, to), may)
        guard may, from != to else { return }
        for inner in below(from) {
            model.updateValue(model.removeValue(forKey: inner) ?? nil, forKey: to + inner.dropFirst(from.count))
        }
        model.updateValue(model.removeValue(forKey: from) ?? nil, forKey: to)
    }

    private func outcome(_ what: String, _ result: CInt, _ may: Bool) throws {
        let error = errno
        guard (result >= 0) != may else { return }
        let found = result >= 0 ? "succeeds" : String(cString: strerror(error))
        throw Unfulfilled("\(what): \(found), although it had to \(may ? "succeed" : "fail")")
    }

    private func compare(_ directory: String) throws {
        let found = try names(directory.isEmpty ? "." : directory).sorted()
        let wanted = model.keys.filter { parent($0) == directory }
        try expect(
            "what \(directory.isEmpty ? "." : directory) holds", found,
            wanted.map { String($0.split(separator: "/").last ?? "") }.sorted())
        for path in wanted {
            if isDirectory(path) {
                try compare(path)
            } else {
                try expect("what \(path) holds", try contents(path), (model[path] ?? nil) ?? "")
            }
        }
    }
}
