# Tab in fish for fnet. What may stand at the cursor fnet itself says (lua/fnet/command/shell.lua), fish has the names
# of files.

function __fnet_complete
    set -l words (commandline -opc)
    set -l program (string replace -r '^~/' "$HOME/" -- $words[1])
    set -l current (commandline -ct)
    set -l lead (string match -r '^--[^=]+=' -- "$current") # in "--data=folder" the name begins behind it
    set -l name (string replace -- "$lead" '' "$current")
    for line in ($program --complete $words[2..-1] "$current" 2>/dev/null </dev/null)
        switch $line
            case :scripts
                __fish_complete_suffix .lua
            case :directories
                __fish_complete_directories "$name" '' | string replace -r -- '^' "$lead"
            case :files
                __fish_complete_path "$name" | string replace -r -- '^' "$lead"
            case '*'
                echo $line
        end
    end
end

complete -c fnet -f -a '(__fnet_complete)'
