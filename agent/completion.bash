# Completion of spoa-cache's commands and options for bash: what its own --help lists.

_spoa_cache()
{
    local program=${COMP_WORDS[0]} word=${COMP_WORDS[COMP_CWORD]} command= i
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
            -c | --config) ((i++)) ;;
            -*) ;;
            *) command=${COMP_WORDS[i]}; break ;;
        esac
    done
    case ${COMP_WORDS[COMP_CWORD - 1]} in
        -c | --config | --token-file | --raw)
            mapfile -t COMPREPLY < <(compgen -f -- "$word")
            return ;;
    esac
    local help
    help=$("$program" $command --help 2>/dev/null) || return
    if [[ $word == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$(grep -oE '^ +(-., )?--[a-z-]+' <<<"$help" |
            grep -oE -- '--[a-z-]+')" -- "$word")
    elif [ -z "$command" ]; then
        mapfile -t COMPREPLY < <(compgen -W "$(sed -n '/^Commands/,$ s/^  \([a-z]*\)  .*/\1/p' \
            <<<"$help")" -- "$word")
    fi
}
complete -o default -F _spoa_cache spoa-cache
