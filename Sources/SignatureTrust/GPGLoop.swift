// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import CGPGME
import Diagnostics
import LinuxPlatform
import SystemPackage

/// Moves the data of one operation between this process and gpg.
///
/// GPGME's own loop never ends when gpg stops reading early (1.18: it overlooks the pipe's error), and it knows no
/// deadline.
final class GPGLoop {
    /// Milliseconds in which nothing moves before gpg is given up.
    private static let patience = 120_000

    private struct Watch {
        let file: FileDescriptor
        let interest: Poll.Interest
        let handler: gpgme_io_cb_t
        let context: UnsafeMutableRawPointer?
    }

    private var watches: [Int: Watch] = [:]
    private var lastTag = 0
    private var outcome: gpgme_error_t?

    /// Runs an operation to its end.
    ///
    /// - Parameter start: calls a function of GPGME whose name ends in `_start`.
    /// - Returns: how the operation ended.
    static func run(_ context: gpgme_ctx_t, _ start: () -> gpgme_error_t) throws -> gpgme_error_t {
        let loop = GPGLoop()
        return try withExtendedLifetime(loop) {
            loop.attach(to: context)
            var none = gpgme_io_cbs()
            defer { gpgme_set_io_cbs(context, &none) }
            let error = start()
            guard gpgme_err_code(error) == GPG_ERR_NO_ERROR else { return error }
            return try loop.wait(context)
        }
    }

    private func attach(to context: gpgme_ctx_t) {
        var callbacks = gpgme_io_cbs()
        // SAFETY: the loop lives until the callbacks are taken away again.
        let this = Unmanaged.passUnretained(self).toOpaque()
        callbacks.add_priv = this
        callbacks.event_priv = this
        callbacks.add = { this, file, direction, handler, context, tag in
            guard let this, let handler, let tag else { return gpgme_error(GPG_ERR_INV_VALUE) }
            let loop = Unmanaged<GPGLoop>.fromOpaque(this).takeUnretainedValue()
            loop.lastTag += 1
            loop.watches[loop.lastTag] = Watch(
                file: FileDescriptor(rawValue: file), interest: direction == 1 ? .read : .write, handler: handler,
                context: context)
            // The tag comes back without the loop, so it is an object that knows both.
            tag.pointee = Unmanaged.passRetained(Tag(loop, loop.lastTag)).toOpaque()
            return 0
        }
        callbacks.remove = { tag in
            guard let tag else { return }
            let known = Unmanaged<Tag>.fromOpaque(tag).takeRetainedValue()
            known.loop?.watches[known.number] = nil
        }
        callbacks.event = { this, event, data in
            guard let this, event == GPGME_EVENT_DONE else { return }
            let loop = Unmanaged<GPGLoop>.fromOpaque(this).takeUnretainedValue()
            let done = data?.assumingMemoryBound(to: gpgme_io_event_done_data.self).pointee
            let error = done?.err ?? 0
            loop.outcome = error != 0 ? error : done?.op_err ?? 0
        }
        gpgme_set_io_cbs(context, &callbacks)
    }

    private final class Tag {
        weak var loop: GPGLoop?
        let number: Int
        init(_ loop: GPGLoop, _ number: Int) {
            self.loop = loop
            self.number = number
        }
    }

    private func wait(_ context: gpgme_ctx_t) throws -> gpgme_error_t {
        var lastMove = Clock.milliseconds
        while outcome == nil {
            let tags = watches.keys.sorted()
            let sources = tags.compactMap { watches[$0].map { ($0.file, $0.interest) } }
            let ready = sources.isEmpty ? [] : try Poll.wait(sources, timeout: 1000)
            for (index, _) in ready where outcome == nil {
                // One handler may have closed the file of another.
                guard let watch = watches[tags[index]] else { continue }
                _ = watch.handler(watch.context, watch.file.rawValue)
                lastMove = Clock.milliseconds
            }
            guard sources.isEmpty || Clock.milliseconds - lastMove > GPGLoop.patience else { continue }
            if let outcome { return outcome }
            gpgme_cancel(context)
            throw RuntimeError(.timeout, "gpg does not answer; try again")
        }
        return outcome ?? 0
    }
}
