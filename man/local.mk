# man: the manual pages, one a command beside vmrunc(8).
dist_man_MANS = \
	man/vmrunc.8 \
	man/vmrunc-check.8 \
	man/vmrunc-create.8 \
	man/vmrunc-delete.8 \
	man/vmrunc-events.8 \
	man/vmrunc-exec.8 \
	man/vmrunc-features.8 \
	man/vmrunc-kill.8 \
	man/vmrunc-list.8 \
	man/vmrunc-logs.8 \
	man/vmrunc-pause.8 \
	man/vmrunc-ps.8 \
	man/vmrunc-resume.8 \
	man/vmrunc-run.8 \
	man/vmrunc-spec.8 \
	man/vmrunc-start.8 \
	man/vmrunc-state.8 \
	man/vmrunc-update.8 \
	man/vmrunc.json.5
