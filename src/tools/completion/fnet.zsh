#compdef fnet
# Tab in zsh for fnet, as _fnet in a folder of $fpath. What may stand at the cursor fnet itself says
# (lua/fnet/command/shell.lua), zsh has the names of files.

local program=${(Q)words[1]/#\~\//$HOME/} line
local -a offered
local more=
for line in "${(@f)$($program --complete "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null </dev/null)}"; do
    case $line in
        '') ;;
        :*) more=$line ;;
        *) offered+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}") ;;
    esac
done

local failed=1
if (( $#offered )); then _describe fnet offered && failed=0; fi
[[ $PREFIX == --*=* ]] && compset -P '*=' # in "--data=folder" the name begins behind it
case $more in
    :scripts) _files -g '*.lua' && failed=0 ;;
    :directories) _files -/ && failed=0 ;;
    :files) _files && failed=0 ;;
esac
return failed
