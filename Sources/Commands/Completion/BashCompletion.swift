// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// Completion for bash(1).
struct BashCompletion {
    let table: CompletionTable

    var text: String {
        """
        # Completion of rkt for bash, written by `rkt completion bash`.

        \(ShellFunctions(table: table).text)
        \(Self.program)
        """
    }

    private static let program = #"""
        # __rkt_offer PREFIX VALUE: replies with the lines of standard input that begin with the value; those with a
        # colon name kinds.
        __rkt_offer() {
            local line item
            while IFS= read -r line; do
                case $line in
                :files | :directories)
                    local what=-f
                    [[ $line == :files ]] || what=-d
                    compopt -o filenames 2>/dev/null
                    while IFS= read -r item; do COMPREPLY+=("$1$item"); done < <(compgen "$what" -- "$2")
                    ;;
                :pods) __rkt_offer "$1" "$2" < <(__rkt_pods) ;;
                :images) __rkt_offer "$1" "$2" < <(__rkt_images) ;;
                *)
                    item=${line%%$'\t'*}
                    [[ $item == "$2"* ]] && COMPREPLY+=("$1$item")
                    ;;
                esac
            done
        }

        _rkt() {
            # The line as it stands: bash splits words at = and :.
            local line=${COMP_LINE:0:COMP_POINT} current flag index
            local -a given
            read -ra given <<<"$line"
            [[ $line == *[[:space:]] ]] && given+=("")
            index=$((${#given[@]} - 1))
            current=${given[index]}
            COMPREPLY=()
            __rkt_place "${given[@]:1:index-1}"
            if [[ -n $__rkt_flag ]]; then
                __rkt_offer "" "$current" < <(__rkt_values "$__rkt_path" "$__rkt_flag")
            elif [[ -n $__rkt_rest ]]; then
                __rkt_offer "" "$current" <<<:files
            elif [[ $current == --*=* ]]; then
                flag=${current%%=*}
                __rkt_offer "$flag=" "${current#*=}" < <(__rkt_values "$__rkt_path" "$flag")
            elif [[ $current == -* ]]; then
                __rkt_offer "" "$current" < <(__rkt_flags "$__rkt_path")
                [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]] && compopt -o nospace 2>/dev/null
            else
                __rkt_offer "" "$current" < <(__rkt_commands "$__rkt_path"; __rkt_words "$__rkt_path")
            fi
            # What stands before the last = or : is not bash's to replace.
            local breaks= kept
            [[ $COMP_WORDBREAKS != *=* ]] || breaks+='='
            [[ $COMP_WORDBREAKS != *:* ]] || breaks+=':'
            if [[ -n $breaks && $current == *["$breaks"]* ]]; then
                kept=${current%"${current##*["$breaks"]}"}
                COMPREPLY=("${COMPREPLY[@]#"$kept"}")
            fi
        }

        complete -F _rkt rkt
        """# + "\n"
}
