# src/app: what there is once a process: log, settings, timeline, the process's title, the store of filters.
noinst_LIBRARIES += libapp.a
libapp_a_SOURCES = \
	src/app/filter_store.c src/app/filter_store.h \
	src/app/log.c src/app/log.h \
	src/app/ownfile.c src/app/ownfile.h \
	src/app/progress.c src/app/progress.h \
	src/app/proctitle.c src/app/proctitle.h \
	src/app/settings.c src/app/settings.h \
	src/app/timeline.c src/app/timeline.h
