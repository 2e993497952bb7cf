// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics

/// The parameters a guest kernel is booted with: what is known about quoting and order lives here.
///
/// The order is: defaults, parameters added by the caller, the user's own, then `--` and arguments of the first
/// program. The kernel lets the last of several equal parameters win, so the user can override any other.
/// See "The kernel's command-line parameters" in the kernel's admin-guide.
package struct KernelCommandLine: Sendable, Equatable {
    /// One parameter: a bare word, or a name with a value.
    package struct Parameter: Sendable, Equatable {
        package let name: String
        package let value: String?

        package init(_ name: String, _ value: String? = nil) {
            self.name = name
            self.value = value
        }
    }

    /// The longest text an x86 kernel takes (`COMMAND_LINE_SIZE` is 2048 with the final zero byte).
    package static let maximumLength = 2047

    private var parameters: [Parameter]
    private var userParameters: [Parameter] = []
    private var initArguments: [String] = []

    package init(_ parameters: [Parameter] = []) {
        self.parameters = parameters
    }

    /// Adds a parameter after those already there, before the user's.
    package mutating func append(_ name: String, _ value: String? = nil) {
        parameters.append(Parameter(name, value))
    }

    /// Adds the user's own parameters, as in `RKT_HYPERVISOR_EXTRA_KERNEL_PARAMS`: words separated by blanks, where
    /// double quotes keep blanks together. What follows a word `--` goes to the first program.
    ///
    /// - Throws: `.invalidArgument` for an open quotation or a control character.
    package mutating func appendUserParameters(_ text: String) throws {
        let words = try Self.words(of: text)
        let boundary = words.firstIndex(of: "--") ?? words.endIndex
        userParameters += words[..<boundary].map(Self.parameter)
        initArguments += words[boundary...].dropFirst()
    }

    /// The text the kernel is given.
    ///
    /// - Throws: `.invalidArgument` when a parameter cannot be written (the kernel knows no escape for a double quote) or
    ///   the text is too long for a kernel.
    package func rendered() throws -> String {
        var words = try (parameters + userParameters).map(Self.rendered)
        if !initArguments.isEmpty {
            words += ["--"] + (try initArguments.map { try Self.quoted($0, of: $0) })
        }
        let text = words.joined(separator: " ")
        guard text.utf8.count <= Self.maximumLength else {
            throw RuntimeError(
                .invalidArgument,
                "the kernel command line has \(text.utf8.count) bytes and a kernel takes \(Self.maximumLength); shorten "
                    + "RKT_HYPERVISOR_EXTRA_KERNEL_PARAMS")
        }
        return text
    }
}

// MARK: - Defaults

extension KernelCommandLine {
    /// The parameters every guest of ours boots with.
    ///
    /// - Parameters:
    ///   - firstProgram: the path of the program that becomes process 1.
    ///   - verbose: whether the kernel prints everything it does on the console.
    package static func standard(
        firstProgram: String, verbose: Bool = false, architecture: GuestArchitecture = .host
    ) -> KernelCommandLine {
        var line = KernelCommandLine([
            // The boot log has to come out before any driver of ours could carry it: a serial port of the machine's own is
            // always there.
            Parameter("console", architecture == .aarch64 ? "ttyAMA0" : "ttyS0"),
            // The guest root is the first virtio block device, an EROFS image opened read-only by the hypervisor. Naming
            // its type saves the kernel from trying the others and logging each failure.
            Parameter("root", "/dev/vda"),
            Parameter("rootfstype", "erofs"),
            Parameter("ro"),
            Parameter("init", firstProgram),
            // The pvpanic device tells the hypervisor about a panic. A kernel without its driver restarts at once instead,
            // which ends the machine too; the kernel's own default is to hang for ever.
            Parameter("panic", "-1"),
        ])
        if architecture == .x86_64 {
            // The check counts timer interrupts in a busy loop, and fails when a loaded host does not run the guest
            // meanwhile. An emulated timer needs no check.
            line.append("no_timer_check")
            // One serial port exists; probing for the usual four costs emulated port accesses.
            line.append("8250.nr_uarts", "1")
        }
        // Apps may make interfaces of this kind; the kernel is not to begin with one, which nobody has asked for.
        line.append("dummy.numdummies", "0")
        // Each character on an emulated serial port is an exit to the hypervisor: a full boot log takes a noticeable part
        // of the boot. Warnings and worse still come through.
        line.append(verbose ? "ignore_loglevel" : "quiet")
        return line
    }
}

// MARK: - Quoting

extension KernelCommandLine {
    private static func rendered(_ parameter: Parameter) throws -> String {
        let name = parameter.name
        guard !name.isEmpty, !name.utf8.contains(where: { $0 <= 0x20 || $0 == 0x7F || $0 == UInt8(ascii: "\"") }) else {
            throw RuntimeError(.invalidArgument, "\"\(name)\" is not a name of a kernel parameter")
        }
        guard let value = parameter.value else { return name }
        return "\(name)=\(try quoted(value, of: name))"
    }

    /// The value in double quotes where it holds blanks (`next_arg()` in the kernel's `lib/cmdline.c`).
    private static func quoted(_ value: String, of name: String) throws -> String {
        for byte in value.utf8 where byte < 0x20 || byte == 0x7F || byte == UInt8(ascii: "\"") {
            throw RuntimeError(
                .invalidArgument,
                "the value of kernel parameter \"\(name)\" holds a double quote or a control character, which a kernel "
                    + "command line cannot carry")
        }
        return value.utf8.contains(0x20) ? "\"\(value)\"" : value
    }

    private static func parameter(_ word: String) -> Parameter {
        guard let equals = word.firstIndex(of: "=") else { return Parameter(word) }
        return Parameter(String(word[..<equals]), String(word[word.index(after: equals)...]))
    }

    /// Splits at blanks outside double quotes, and takes the quotes away.
    private static func words(of text: String) throws -> [String] {
        var words: [String] = []
        var word: [UInt8]?
        var isQuoted = false
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""):
                isQuoted.toggle()
                word = word ?? []
            case 0x20, 0x09, 0x0A:
                if isQuoted {
                    guard byte == 0x20 else { throw controlCharacter(byte) }
                    word?.append(byte)
                } else if let finished = word {
                    words.append(String(decoding: finished, as: UTF8.self))
                    word = nil
                }
            case ..<0x20, 0x7F:
                throw controlCharacter(byte)
            default:
                word = (word ?? []) + [byte]
            }
        }
        guard !isQuoted else {
            throw RuntimeError(
                .invalidArgument, "the extra kernel parameters '\(text)' open a quotation without closing it")
        }
        if let word { words.append(String(decoding: word, as: UTF8.self)) }
        return words.filter { !$0.isEmpty }
    }

    private static func controlCharacter(_ byte: UInt8) -> RuntimeError {
        RuntimeError(
            .invalidArgument, "the extra kernel parameters hold a control character (code \(byte)); remove it")
    }
}
