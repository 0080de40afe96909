# completion: for bash, from the table of commands. A program of the host system must run for that; a build for another
# system has no completion.
EXTRA_DIST += completion/completion.bash
if !CROSS_COMPILING
noinst_PROGRAMS += tools/print-completion
tools_print_completion_SOURCES = tools/print_completion.c
bashcompletiondir = $(datadir)/bash-completion/completions
nodist_bashcompletion_DATA = completion/vmrunc
completion/vmrunc: tools/print-completion completion/completion.bash
	$(AM_V_GEN)$(MKDIR_P) completion && { tools/print-completion && cat $(srcdir)/completion/completion.bash; } > $@.new && \
		mv $@.new $@
CLEANFILES += completion/vmrunc
endif
