// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// Functions that bash and zsh read alike: what the table holds, and where on the command line one is.
struct ShellFunctions {
    let table: CompletionTable

    var text: String {
        [
            commands, flags, values, words, Self.place,
        ].joined(separator: "\n")
    }

    /// `__rkt_commands PATH`: the commands below one, a line each, with a tab and what it does.
    private var commands: String {
        function(
            "__rkt_commands", "$1",
            table.entries.filter { !$0.children.isEmpty }.map { entry in
                let path = Shell.quoted(entry.path.joined(separator: " "))
                let help = Shell.quoted((["help"] + entry.path).joined(separator: " "))
                return ("\(path) | \(help)", entry.children.map { "\($0.name)\t\($0.text)" })
            })
    }

    /// `__rkt_flags PATH`: the same for flags. Those that need a value end in `=`.
    private var flags: String {
        function(
            "__rkt_flags", "$1",
            table.entries.filter { !$0.flags.isEmpty }.map { entry in
                (Shell.quoted(entry.path.joined(separator: " ")), entry.flags.map(Self.line))
            } + [("*", [])], then: table.globalFlags.map(Self.line))
    }

    private static func line(_ flag: CompletionTable.Flag) -> String {
        "--\(flag.name)\(flag.value == .required ? "=" : "")\t\(flag.text)"
    }

    /// `__rkt_values PATH FLAG`: what the flag's value can be. A line with a colon names a kind.
    private var values: String {
        func cases(_ flags: [CompletionTable.Flag], _ path: String) -> [(String, [String])] {
            flags.filter { !$0.values.isEmpty }.map { flag in
                (path + Shell.quoted(" --\(flag.name)"), flag.values.lines)
            }
        }
        return function(
            "__rkt_values", "$1 $2",
            table.entries.flatMap { cases($0.flags, Shell.quoted($0.path.joined(separator: " "))) }
                + cases(table.globalFlags, "*"))
    }

    /// `__rkt_words PATH`: the same for words that are no flags.
    private var words: String {
        function(
            "__rkt_words", "$1",
            table.entries.filter { !$0.words.isEmpty }.map { entry in
                let lines = entry.words.flatMap { $0 == .shells ? Shell.allCases.map(\.rawValue) : [":\($0.rawValue)"] }
                return (Shell.quoted(entry.path.joined(separator: " ")), lines)
            })
    }

    private func function(
        _ name: String, _ subject: String, _ cases: [(pattern: String, lines: [String])], then: [String] = []
    ) -> String {
        func print(_ lines: [String]) -> String {
            "printf '%s\\n'" + lines.map { " \\\n        \(Shell.quoted($0))" }.joined()
        }
        var text = "\(name)() {\n    case \"\(subject)\" in\n"
        for (pattern, lines) in cases {
            text += "    \(pattern))" + (lines.isEmpty ? " ;;\n" : "\n        \(print(lines)) ;;\n")
        }
        text += "    esac\n"
        if !then.isEmpty { text += "    \(print(then))\n" }
        return text + "}\n"
    }

    /// What stands before the word that is completed.
    private static let place = #"""
        # __rkt_place WORD...: sets __rkt_path to the command's words, __rkt_flag to a flag that waits for its value,
        # __rkt_rest to 1 among an app's arguments, and __rkt_dir to --dir=... if that is given.
        __rkt_place() {
            local word
            __rkt_path='' __rkt_flag='' __rkt_rest='' __rkt_dir=''
            for word in "$@"; do
                if [[ -n $__rkt_flag ]]; then
                    [[ $__rkt_flag != --dir ]] || __rkt_dir=--dir=$word
                    __rkt_flag=''
                    continue
                fi
                case $word in
                ---) __rkt_rest='' ;;
                --) __rkt_rest=1 ;;
                --dir=*) __rkt_dir=$word ;;
                -*=*) ;;
                --*)
                    if [[ -z $__rkt_rest ]] && __rkt_lists "$word=" "$(__rkt_flags "$__rkt_path")"; then
                        __rkt_flag=$word
                    fi
                    ;;
                *)
                    if [[ -z $__rkt_rest ]] && __rkt_lists "$word" "$(__rkt_commands "$__rkt_path")"; then
                        __rkt_path=${__rkt_path:+$__rkt_path }$word
                    fi
                    ;;
                esac
            done
        }

        # __rkt_lists NAME LINES: whether a line begins with the name.
        __rkt_lists() {
            [[ $'\n'$2 == *$'\n'"$1"$'\t'* ]]
        }

        __rkt_pods() {
            rkt ${__rkt_dir:+"$__rkt_dir"} list --no-legend --full 2>/dev/null | cut -s -f 1 | grep .
        }

        __rkt_images() {
            rkt ${__rkt_dir:+"$__rkt_dir"} image list --no-legend --fields=name 2>/dev/null | cut -f 1 | grep .
        }

        """#
}
