# SPDX-License-Identifier: Apache-2.0
#
# Completion of vmrunc's command line for fish. In the file that is installed, tools/print_completion has written
# __vmrunc_valued, __vmrunc_arguments and the calls of complete above this text, from the table of src/cli/commands.h.

# Prints the command of the line (an empty line if there is none yet) and then its arguments without options; the word
# that is being written is not among them.
function __vmrunc_words
	set -l command
	set -l arguments
	set -l skip 0
	for word in (commandline -opc)[2..]
		if test $skip = 1
			set skip 0
		else if string match -q -- '-*' $word
			contains -- $word (__vmrunc_valued '') (__vmrunc_valued "$command"); and set skip 1
		else if test -z "$command"
			set command $word
		else
			set -a arguments $word
		end
	end
	printf '%s\n' "$command" $arguments
end

# Whether the command of the line is this one; "" stands for none yet.
function __vmrunc_is
	test (__vmrunc_words)[1] = "$argv[1]"
end

# The containers of the root that the command line names.
function __vmrunc_ids
	set -l words (commandline -opc)
	set -l where
	for i in (seq (count $words))
		if contains -- $words[$i] --root --config; and test $i -lt (count $words)
			set -a where $words[$i] $words[(math $i + 1)]
		else if string match -qr -- '^--(root|config)=' $words[$i]
			set -a where $words[$i]
		end
	end
	$words[1] $where list --quiet 2>/dev/null
end

# Prints the values of a kind.
function __vmrunc_values
	switch $argv[1]
		case '*|*'
			string split '|' $argv[1]
		case DIR
			__fish_complete_directories (commandline -ct)
		case FILE SOCKET
			__fish_complete_path (commandline -ct)
		case ID
			__vmrunc_ids
		case SIGNAL
			for name in (kill -l | string split ' ')
				string match -qr '^[A-Z]' $name; and echo SIG$name
			end
	end
end

# Prints what the argument that is being written may be.
function __vmrunc_argument
	set -l words (__vmrunc_words)
	set -l kinds (__vmrunc_arguments $words[1] | string split ' ')
	set -l n (count $words)
	test $n -le (count $kinds); and __vmrunc_values $kinds[$n]
end
