# completion: for bash, zsh and fish, from the table of commands. A program of the host system must run for that; a build
# for another system has no completion.
EXTRA_DIST += completion/completion.bash completion/completion.zsh completion/completion.fish
if !CROSS_COMPILING
noinst_PROGRAMS += tools/print-completion
tools_print_completion_SOURCES = tools/print_completion.c
bashcompletiondir = $(datadir)/bash-completion/completions
nodist_bashcompletion_DATA = completion/vmrunc
zshcompletiondir = $(datadir)/zsh/site-functions
nodist_zshcompletion_DATA = completion/_vmrunc
fishcompletiondir = $(datadir)/fish/vendor_completions.d
nodist_fishcompletion_DATA = completion/vmrunc.fish
completion/vmrunc: completion_shell = bash
completion/_vmrunc: completion_shell = zsh
completion/vmrunc.fish: completion_shell = fish
completion/vmrunc: completion/completion.bash
completion/_vmrunc: completion/completion.zsh
completion/vmrunc.fish: completion/completion.fish
completion/vmrunc completion/_vmrunc completion/vmrunc.fish: tools/print-completion
	$(AM_V_GEN)$(MKDIR_P) completion && { tools/print-completion $(completion_shell) && \
		cat $(srcdir)/completion/completion.$(completion_shell); } > $@.new && mv $@.new $@
CLEANFILES += completion/vmrunc completion/_vmrunc completion/vmrunc.fish
endif
