# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Completion of vmrunc's command line for bash. In the file that is installed, tools/print_completion has written the
# functions _vmrunc_commands, _vmrunc_options and _vmrunc_arguments above this text, from the table of src/cli/commands.h.

# _vmrunc_kind OPTION COMMAND: prints the kind of value that the option takes behind the command ("": before any), or
# nothing for a flag.
_vmrunc_kind() {
	local option
	for option in $(_vmrunc_options "$2") ${2:+$(_vmrunc_options '')}; do
		case $option in
		"$1") return ;;
		"$1="*) echo "${option#*=}"; return ;;
		esac
	done
}

# _vmrunc_values KIND VMRUNC [OPTIONS...]: sets COMPREPLY to the values of that kind which begin with $cur. Containers
# are those that the program VMRUNC lists with the options.
_vmrunc_values() {
	local kind=$1
	shift
	case $kind in
	*'|'*) mapfile -t COMPREPLY < <(compgen -W "${kind//|/ }" -- "$cur") ;;
	DIR)
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -d -- "$cur")
		;;
	FILE | SOCKET)
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		;;
	ID) mapfile -t COMPREPLY < <(compgen -W "$("$@" list --quiet 2>/dev/null)" -- "$cur") ;;
	SIGNAL) mapfile -t COMPREPLY < <(compgen -A signal -- "$cur") ;;
	TOPIC) mapfile -t COMPREPLY < <(compgen -W "$(_vmrunc_commands)" -- "$cur") ;;
	esac
}

# Readline splits "--option=value" into three words, unless "=" is no longer in COMP_WORDBREAKS.
_vmrunc() {
	local cur=${COMP_WORDS[COMP_CWORD]} words=("${COMP_WORDS[@]:1:COMP_CWORD-1}")
	local word option='' kind='' command='' where=() arguments=() n=0 literal=''

	COMPREPLY=()
	if [ "$cur" = = ]; then
		words+=("$cur")
		cur=''
	fi
	for word in "${words[@]}"; do
		if [ "$word" = = ] && [ -n "$option" ]; then
			: "${kind:=true|false}"
		elif [ -n "$kind" ]; then
			[[ $option != --root && $option != --config ]] || where+=("$option" "$word")
			option='' kind=''
		elif [ -n "$literal" ] || [[ $word != -?* ]]; then
			option=''
			if [ -n "$command" ]; then n=$((n + 1)); else command=$word; fi
		elif [ "$word" = -- ]; then
			literal=1
		elif [[ $word == --*=* ]]; then
			[[ $word != --root=* && $word != --config=* ]] || where+=("$word")
		else
			option=$word
			kind=$(_vmrunc_kind "$option" "$command")
		fi
	done
	if [ -n "$kind" ]; then
		_vmrunc_values "$kind" "${COMP_WORDS[0]}" "${where[@]}"
	elif [ -z "$literal" ] && [[ $cur == -* ]]; then
		for word in $(_vmrunc_options "$command") ${command:+$(_vmrunc_options '')}; do
			arguments+=("${word%%=*}")
		done
		mapfile -t COMPREPLY < <(compgen -W "${arguments[*]}" -- "$cur")
	elif [ -z "$command" ]; then
		_vmrunc_values TOPIC
	else
		read -ra arguments < <(_vmrunc_arguments "$command")
		_vmrunc_values "${arguments[n]-}" "${COMP_WORDS[0]}" "${where[@]}"
	fi
}

complete -F _vmrunc vmrunc
