"""What each shell runs: it asks the program itself, so that no list of options has to be kept twice."""

from __future__ import annotations

_BASH = r"""
_pipeline_monitor() {
    local line="${COMP_LINE:0:COMP_POINT}" text help
    local part="${line##*[[:space:]]}"
    local -a words
    read -ra words <<<"$line"
    [[ -z $part ]] && words+=("")
    # Bash cuts words at these characters too, and puts what is found behind the last of them; but not
    # in quotes.
    local cut="${part%"${part##*[@=:(]}"}"
    if [[ $part == [\'\"]* ]]; then
        words[-1]="${part:1}"
        cut=""
    fi
    COMPREPLY=()
    while IFS=$'\t' read -r text help; do
        if [[ $text == :files ]]; then
            compopt -o default -o nospace 2>/dev/null
            COMPREPLY=()
            return
        fi
        [[ $text == *= || $text == *@ ]] && compopt -o nospace 2>/dev/null
        COMPREPLY+=("${text#"$cut"}")
    done < <(@COMMAND@ completion words "${words[@]:1}" 2>/dev/null)
}
complete -F _pipeline_monitor pipeline-monitor monitor.py
"""

_ZSH = r"""
#compdef pipeline-monitor monitor.py
_pipeline_monitor() {
    local line
    local -a lines plain open
    lines=("${(@f)$(@COMMAND@ completion words "${(@)words[2,CURRENT]}" 2>/dev/null)}")
    if [[ ${lines[1]} == :files* ]]; then
        _files
        return
    fi
    for line in $lines; do
        [[ -z $line ]] && continue
        local text="${line%%$'\t'*}"
        local entry="${text//:/\\:}:${line#*$'\t'}"
        if [[ $text == *= || $text == *@ ]]; then open+=("$entry"); else plain+=("$entry"); fi
    done
    (( $#plain )) && _describe -V 'word' plain
    (( $#open )) && _describe -V 'word' open -S ''
}
compdef _pipeline_monitor pipeline-monitor monitor.py
"""

_FISH = r"""
function __pipeline_monitor_words
    set -l words (commandline -opc) (commandline -ct)
    set -l found (@COMMAND@ completion words $words[2..-1] 2>/dev/null)
    if string match -q ':files*' -- $found[1]
        __fish_complete_path (commandline -ct)
    else
        printf '%s\n' $found
    end
end
complete -c pipeline-monitor -f -a '(__pipeline_monitor_words)'
complete -c monitor.py -f -a '(__pipeline_monitor_words)'
"""

SCRIPTS = {"bash": _BASH.lstrip(), "zsh": _ZSH.lstrip(), "fish": _FISH.lstrip()}
"""By shell; ``@COMMAND@`` stands for the program."""
