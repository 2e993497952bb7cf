// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// Completion for zsh(1), a file of its `fpath`.
struct ZshCompletion {
    let table: CompletionTable

    var text: String {
        """
        #compdef rkt
        # Completion of rkt for zsh, written by `rkt completion zsh`.

        \(ShellFunctions(table: table).text)
        \(Self.program)
        """
    }

    private static let program = #"""
        # __rkt_offer LINES: offers what the lines hold; those with a colon name kinds.
        __rkt_offer() {
            local line
            local -a bare plain open
            for line in "${(@f)1}"; do
                case $line in
                '') ;;
                :files) _files ;;
                :directories) _files -/ ;;
                :pods) bare+=("${(@f)$(__rkt_pods)}") ;;
                :images) bare+=("${(@f)$(__rkt_images)}") ;;
                *=$'\t'*) open+=("${line%%=$'\t'*}=:${line#*$'\t'}") ;;
                *$'\t'*) plain+=("${line%%$'\t'*}:${line#*$'\t'}") ;;
                *) bare+=("$line") ;;
                esac
            done
            (( ! $#bare )) || compadd -a bare
            # _describe takes a colon for the end of a name, which is why names of images are not for it.
            (( ! $#plain )) || _describe '' plain
            (( ! $#open )) || _describe '' open -S ''
        }

        _rkt() {
            local flag
            __rkt_place "${(@)words[2,CURRENT-1]}"
            if [[ -n $__rkt_flag ]]; then
                __rkt_offer "$(__rkt_values "$__rkt_path" "$__rkt_flag")"
            elif [[ -n $__rkt_rest ]]; then
                _files
            elif [[ $PREFIX == --*=* ]]; then
                flag=${PREFIX%%=*}
                compset -P '*='
                __rkt_offer "$(__rkt_values "$__rkt_path" "$flag")"
            elif [[ $PREFIX == -* ]]; then
                __rkt_offer "$(__rkt_flags "$__rkt_path")"
            else
                __rkt_offer "$(__rkt_commands "$__rkt_path"; __rkt_words "$__rkt_path")"
            fi
        }

        # The first time it is called the file is read; when it is sourced it is registered.
        if [[ $funcstack[1] == _rkt ]]; then
            _rkt "$@"
        else
            compdef _rkt rkt
        fi
        """# + "\n"
}
