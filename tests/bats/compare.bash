# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Waiting and comparing: what all bats files of the project share.

# wait_for SECONDS COMMAND...: repeats the command until it succeeds. Fails after that time.
wait_for() {
	local deadline=$((SECONDS + $1))
	shift
	until "$@"; do
		[ $SECONDS -lt $deadline ] || { echo "waited in vain for: $*"; return 1; }
		sleep 0.05
	done
}

# kill [OPTION] PID...: the shell's, but never of bats itself and all around it, which is what pid 0 is: that of a state
# whose process has ended.
kill() {
	local word
	for word in "$@"; do
		[[ $word == -* || $word =~ ^[1-9][0-9]*$ ]] || { echo "kill $*: no process is '$word'"; return 1; }
	done
	builtin kill "$@"
}

file_has() {
	grep -q -- "$2" "$1" 2>/dev/null
}

# eq GOT WANTED, has GOT PART, hasnt GOT PART: comparisons that print what was wanted and what came.
eq() {
	[ "$1" = "$2" ] || { printf 'wanted: %s\ngot:    %s\n' "$2" "$1"; [ -z "${stderr:-}" ] || printf 'stderr: %s\n' "$stderr"; return 1; }
}

has() {
	case $1 in
	*"$2"*) ;;
	*) printf 'wanted something with: %s\ngot: %s\n' "$2" "$1"; return 1 ;;
	esac
}

hasnt() {
	case $1 in
	*"$2"*) printf 'wanted nothing with: %s\ngot: %s\n' "$2" "$1"; return 1 ;;
	esac
}
