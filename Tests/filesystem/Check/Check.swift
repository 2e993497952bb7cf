// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import CFilesystemCalls

/// One thing that a file system does.
struct Check: Sendable {
    /// The area and what is checked, such as `rename/exchange`.
    let name: String
    /// Runs in an empty directory of its own, as root.
    let body: @Sendable () throws -> Void

    init(_ name: String, _ body: @escaping @Sendable () throws -> Void) {
        self.name = name
        self.body = body
    }
}

/// What a file system did, where a check wanted something else.
struct Unfulfilled: Error {
    let text: String

    init(_ text: String) { self.text = text }
}

/// The result of a call that has to succeed.
@discardableResult
func call<Result: SignedInteger>(_ what: String, _ result: Result) throws -> Result {
    let error = errno
    guard result >= 0 else { throw Unfulfilled("\(what): \(String(cString: strerror(error)))") }
    return result
}

/// A call that has to fail, with one of some errors.
func refused(_ what: String, _ codes: [CInt], _ result: some SignedInteger) throws {
    let error = errno
    let wanted = codes.map { String(cString: strerror($0)) }.joined(separator: " or ")
    guard result < 0 else { throw Unfulfilled("\(what) succeeded instead of: \(wanted)") }
    guard codes.contains(error) else {
        throw Unfulfilled("\(what): \(String(cString: strerror(error))) instead of: \(wanted)")
    }
}

func refused(_ what: String, _ code: CInt, _ result: some SignedInteger) throws {
    let error = errno
    let copy = result
    errno = error
    try refused(what, [code], copy)
}

/// A value that has to be a certain one.
func expect<Value: Equatable>(_ what: String, _ value: Value, _ wanted: Value) throws {
    guard value == wanted else { throw Unfulfilled("\(what) is \(value), not \(wanted)") }
}

/// A condition that has to hold.
func expect(_ what: String, _ holds: Bool) throws {
    guard holds else { throw Unfulfilled("it does not hold that \(what)") }
}

// MARK: - Other processes

private final class ChildBody {
    let run: () throws -> Void
    init(_ run: @escaping () throws -> Void) { self.run = run }
}

/// Runs something in a child process; what it finds wrong is found wrong here.
func inChild(_ what: String, _ body: () throws -> Void) throws {
    let (status, text) = childStatus(body)
    guard status == 0 else {
        throw Unfulfilled("\(what): \(text.isEmpty ? "the process ended with \(status)" : text)")
    }
}

/// The status of a child process, or 128 and the number of the signal that ended it, and what it found wrong.
func childStatus(_ body: () throws -> Void) -> (status: CInt, text: String) {
    var text = [CChar](repeating: 0, count: 1024)
    let status = withoutActuallyEscaping(body) { body in
        let child = ChildBody(body)
        return withExtendedLifetime(child) {
            fs_in_child(
                { context in
                    guard let context else { return nil }
                    do {
                        try Unmanaged<ChildBody>.fromOpaque(context).takeUnretainedValue().run()
                        return nil
                    } catch let error as Unfulfilled {
                        return strdup(error.text)
                    } catch {
                        return strdup("\(error)")
                    }
                }, Unmanaged.passUnretained(child).toOpaque(), &text, text.count)
        }
    }
    return (status, String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self))
}

/// Runs something as a user without privileges.
func asUser(_ user: uid_t, _ group: gid_t? = nil, _ body: () throws -> Void) throws {
    try inChild("as user \(user)") {
        try call("becoming user \(user)", fs_become(user, group ?? user))
        try body()
    }
}
