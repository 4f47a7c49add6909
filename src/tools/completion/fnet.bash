# Tab in bash for fnet. What may stand at the cursor fnet itself says (lua/fnet/command/shell.lua), bash has the names
# of files. Needs nothing of bash-completion, which loads this file where it is installed; else: source it.

_fnet() {
    local current=${COMP_WORDS[COMP_CWORD]} line lead=
    local words=("${COMP_WORDS[@]:1:COMP_CWORD}")
    local -i equals=COMP_CWORD
    COMPREPLY=()
    # "--to=html" is three words to bash, of which the last one is to be completed.
    [[ $current == = ]] && current= || equals+=-1
    if [[ ${COMP_WORDS[equals]} == = ]] && ((equals > 1)); then
        lead=${COMP_WORDS[equals - 1]}=
        words=("${COMP_WORDS[@]:1:equals-2}" "$lead$current")
    fi
    while IFS= read -r line; do
        case $line in
            :files) compopt -o default 2>/dev/null ;;
            :directories) compopt -o dirnames 2>/dev/null ;;
            :scripts)
                compopt -o filenames -o plusdirs 2>/dev/null
                while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -X '!*.lua' -- "$current")
                ;;
            *)
                line=${line%%$'\t'*}
                COMPREPLY+=("${line#"$lead"}")
                ;;
        esac
    done < <("${1/#\~\//$HOME/}" --complete "${words[@]}" 2>/dev/null </dev/null)
}

complete -F _fnet fnet
