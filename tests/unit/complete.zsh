#!/bin/zsh -f
# SPDX-License-Identifier: Apache-2.0
#
# Prints what zsh would offer for command lines whose last word is being written: a word a line, and == behind each line's.
#
#   usage: complete.zsh FILE LINE...      FILE is the completion of vmrunc
#
# Completion runs in the line editor alone, so a second zsh on a pseudoterminal gets each line and a tab. There, compadd is
# a function that notes the words which it is called with. Exits with 77 if this zsh has no pseudoterminals.
zmodload zsh/zpty 2>/dev/null || exit 77
dir=$(mktemp -d) || exit 1
mkdir $dir/functions && cp $1 $dir/functions/_vmrunc
cat >$dir/.zshrc <<'END'
fpath=($ZDOTDIR/functions $fpath)
autoload -Uz compinit
compinit -u -D
zstyle ':completion:*' format ''
vmrunc() { print -r -- "called: $*"; }
compadd() {
	# with these it only filters, or stores elsewhere
	if [[ ${@[1,(i)(-|--)]} == *-[OAD]* ]]; then
		builtin compadd "$@"
		return
	fi
	local -a words
	builtin compadd -A words "$@"
	print -rl -- $words >>$ZDOTDIR/words
	builtin compadd "$@"
}
comppostfuncs=(finish)
finish() {
	: >$ZDOTDIR/done
	comppostfuncs=(finish) # they are called once
}
LISTMAX=10000 # no question before a long list
bindkey '^I' complete-word
: >$ZDOTDIR/ready
END
export ZDOTDIR=$dir # the editor reads .zshrc there
zpty editor zsh -i
trap 'rm -rf $dir' EXIT # not before: the child would have it as well
wait_for() {
	local -i i
	local out
	for ((i = 0; i < 6000; i++)); do
		[[ -e $dir/$1 ]] && return
		zpty -rt editor out || sleep 0.02
	done
	print -u2 "complete.zsh: no $1 after minutes"
	exit 1
}
wait_for ready
for line in "${@[2,-1]}"; do
	rm -f $dir/done $dir/words
	zpty -w -n editor $'\C-u'"$line"$'\t'
	wait_for done
	[[ ! -e $dir/words ]] || cat $dir/words
	print '=='
done
zpty -d editor
