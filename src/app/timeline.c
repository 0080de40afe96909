/* SPDX-License-Identifier: Apache-2.0 */
/* The times of a start: see timeline.h. */
#include "app/timeline.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "base/buf.h"
#include "base/fd.h"
#include "json/gen.h"

struct mark {
	_Atomic uint64_t at_ns; /* 0: the mark is still being written */
	char name[TIMELINE_NAME_MAX];
};

struct timeline {
	uint64_t start_ns;
	_Atomic unsigned int len;
	struct mark marks[TIMELINE_MARKS_MAX];
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	/* the monitor may be in a time namespace of its own, and this is the one clock that all of them share */
	(void)clock_gettime(CLOCK_REALTIME, &ts); /* cannot fail */
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

int timeline_new(struct timeline **ret, struct err *err)
{
	struct timeline *t = mmap(NULL, sizeof(*t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (t == MAP_FAILED)
		return err_sys(err, errno, "--timeline");
	t->start_ns = now_ns();
	*ret = t;
	return 0;
}

void timeline_free(struct timeline *t)
{
	if (t)
		(void)munmap(t, sizeof(*t));
}

void timeline_mark(struct timeline *t, const char *name)
{
	unsigned int i;

	if (!t)
		return;
	i = atomic_fetch_add(&t->len, 1);
	if (i >= TIMELINE_MARKS_MAX)
		return;
	(void)snprintf(t->marks[i].name, sizeof(t->marks[i].name), "%s", name);
	atomic_store(&t->marks[i].at_ns, now_ns());
}

int timeline_write(const struct timeline *t, const char *path, struct err *err)
{
	autobuf text = BUF_INIT;
	struct gen g;
	int r;

	if (!t)
		return 0;
	gen_init(&g, &text, GEN_WIDE);
	gen_open_object(&g);
	gen_key_integer(&g, "start", (int64_t)t->start_ns);
	gen_key_array(&g, "marks");
	for (unsigned int i = 0; i < MIN(atomic_load(&t->len), TIMELINE_MARKS_MAX); i++) {
		uint64_t at = atomic_load(&t->marks[i].at_ns);
		const char *name = t->marks[i].name;

		if (!at)
			continue;
		gen_newline(&g, "  ");
		gen_open_object(&g);
		gen_key(&g, "name");
		gen_string_len(&g, name, strnlen(name, TIMELINE_NAME_MAX - 1));
		gen_key_integer(&g, "ns", (int64_t)(at - t->start_ns));
		gen_close_object(&g);
	}
	gen_newline(&g, "");
	gen_close_array(&g);
	gen_close_object(&g);
	buf_puts(&text, "\n");
	r = gen_finish(&g, err);
	if (r == 0)
		r = fd_write_file_atomic(AT_FDCWD, path, text.data, text.len, 0644);
	return r < 0 ? err_sys(err, r, "--timeline: cannot write \"%s\"", path) : 0;
}
