// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// Completion for fish(1).
struct FishCompletion {
    let table: CompletionTable

    var text: String {
        let commands = table.entries.filter { !$0.children.isEmpty }.map { entry in
            "        case \(quoted(entry.path)) \(quoted(["help"] + entry.path))\n            set known "
                + entry.children.map(\.name).joined(separator: " ")
        }
        let needing = (table.entries.flatMap(\.flags) + table.globalFlags).filter { $0.value == .required }.map(\.name)
        return """
            # Completion of rkt for fish, written by `rkt completion fish`.

            # The command's words that stand before the one that is completed.
            function __rkt_path
                set -l path
                set -l waits 0
                for word in (commandline -opc)[2..]
                    if test $waits -eq 1
                        set waits 0
                        continue
                    end
                    switch $word
                        case --
                            break
                        case '-*=*'
                            continue
                        case \(Set(needing).sorted().map { "--\($0)" }.joined(separator: " "))
                            set waits 1
                            continue
                        case '-*'
                            continue
                    end
                    set -l known
                    switch "$path"
            \(commands.joined(separator: "\n"))
                    end
                    if contains -- $word $known
                        set path $path $word
                    end
                end
                echo "$path"
            end

            # Whether that is one of the command lines given.
            function __rkt_at
                contains -- (__rkt_path) $argv
            end

            function __rkt_dir
                string match -- '--dir=*' (commandline -opc)
            end

            function __rkt_pods
                rkt (__rkt_dir) list --no-legend --full 2>/dev/null | cut -s -f 1 | string match -r '.+'
            end

            function __rkt_images
                rkt (__rkt_dir) image list --no-legend --fields=name 2>/dev/null | cut -f 1 | string match -r '.+'
            end

            complete -c rkt -e
            complete -c rkt -f

            """
                + (table.globalFlags.flatMap { lines($0, at: nil) } + table.entries.flatMap(lines)).map { $0 + "\n" }
                .joined()
    }

    private func lines(_ entry: CompletionTable.Entry) -> [String] {
        let places = entry.children.isEmpty ? [entry.path] : [entry.path, ["help"] + entry.path]
        let condition = "__rkt_at " + places.map { "\"\($0.joined(separator: " "))\"" }.joined(separator: " ")
        let start = "complete -c rkt -n \(Shell.quoted(condition))"
        var lines = entry.children.map { "\(start) -a \($0.name) -d \(Shell.quoted($0.text))" }
        lines += entry.words.map { word in
            word == .files ? "\(start) -F" : "\(start) -a \(Shell.quoted(Self.source(word)))"
        }
        return lines + entry.flags.flatMap { self.lines($0, at: condition) }
    }

    private static func source(_ word: CompletionTable.Word) -> String {
        word == .shells ? Shell.allCases.map(\.rawValue).joined(separator: " ") : "(__rkt_\(word.rawValue))"
    }

    /// - Parameter condition: holds where the flag can be given.
    private func lines(_ flag: CompletionTable.Flag, at condition: String?) -> [String] {
        let start = "complete -c rkt" + (condition.map { " -n \(Shell.quoted($0))" } ?? "")
        let end = " -d \(Shell.quoted(flag.text))"
        let line = "\(start) -l \(flag.name)"
        switch (flag.values.kind, flag.value) {
        case (.files, _): return ["\(line) -r -F\(end)"]
        case (.directories, _): return ["\(line) -x -a '(__fish_complete_directories)'\(end)"]
        case (.words, .required):
            return ["\(line) -x -a \(Shell.quoted(flag.values.words.joined(separator: " ")))\(end)"]
        case (.unknown, .required): return ["\(line) -x\(end)"]
        case (.unknown, _): return [line + end]
        case (.words, _):
            // A value after = only, which fish does not know of: each is a word of its own.
            let conditions =
                (condition.map { [$0] } ?? []) + [
                    "string match -q -- \"--\(flag.name)=*\" (commandline -ct)"
                ]
            let words = flag.values.words.map { "--\(flag.name)=\($0)" }.joined(separator: " ")
            return [
                line + end,
                "complete -c rkt -n \(Shell.quoted(conditions.joined(separator: "; and "))) -a \(Shell.quoted(words))",
            ]
        }
    }

    private func quoted(_ path: [String]) -> String { Shell.quoted(path.joined(separator: " ")) }
}
