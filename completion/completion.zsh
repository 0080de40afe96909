# SPDX-License-Identifier: Apache-2.0
#
# Completion of vmrunc's command line for zsh. In the file that is installed, tools/print_completion has written
# _vmrunc_commands, _vmrunc_options, _vmrunc_arguments and _vmrunc_valued above this text, from the table of
# src/cli/commands.h.

# _vmrunc_value KIND: completes a value or an argument of that kind.
_vmrunc_value() {
	case $1 in
	DIR) _files -/ ;;
	FILE | SOCKET) _files ;;
	ID) _vmrunc_ids ;;
	SIGNAL) _vmrunc_signals ;;
	TOPIC) _vmrunc_commands ;;
	*) _message -e "$1" ;;
	esac
}

# The containers of the root that the command line names.
_vmrunc_ids() {
	local option
	local -a where ids
	for option in --root --config; do
		[[ -n ${opt_args[$option]-} ]] && where+=("$option" "${opt_args[$option]}")
	done
	ids=(${(f)"$(_call_program ids ${words[1]} ${(q)where} list --quiet 2>/dev/null)"})
	compadd -a ids
}

_vmrunc_signals() {
	local -a names=(SIG${^signals:#(ZERR|DEBUG|EXIT)})
	compadd -a names
}

_vmrunc() {
	local command='' kind
	local -a specs kinds
	local -i i
	for ((i = 2; i < CURRENT; i++)); do
		if [[ ${words[i]} != -* ]]; then
			command=${words[i]}
			break
		fi
		((${_vmrunc_valued[(Ie)${words[i]}]})) && ((i++))
	done
	_vmrunc_options ''
	if [[ -z $command ]]; then
		_arguments -S $specs ':command:_vmrunc_commands'
		return
	fi
	_vmrunc_options $command
	_vmrunc_arguments $command
	specs+=(':command: ')
	for kind in $kinds; do
		specs+=(":$kind: _vmrunc_value $kind") # the space: it is called with nothing else
	done
	_arguments -S $specs
}

# The file is a function's body where zsh loads it by its first line, and a plain script where one sources it.
if [[ ${funcstack[1]-} == _vmrunc ]]; then
	_vmrunc "$@"
else
	compdef _vmrunc vmrunc
fi
