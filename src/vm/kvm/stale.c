/* SPDX-License-Identifier: Apache-2.0 */
/* What the guest's caches have that the host has changed: see stale.h. */
#include <errno.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/fd.h"
#include "fs/fs.h"
#include "vm/guestlog.h"
#include "vm/kvm/stale.h"

/* The watcher's callback, on its thread. What does not fit is told as a whole. */
static void stale_on_name(void *arg, enum fs_stale what, const char *path)
{
	struct stale *s = arg;
	struct strv *list = what == FS_STALE_GONE ? &s->pending.moved : &s->pending.gone;
	uint64_t one = 1;
	ssize_t n;

	pthread_mutex_lock(&s->lock);
	if (what == FS_STALE_UNKNOWN || s->pending.moved.n + s->pending.gone.n >= VM_STALE_MAX)
		s->pending.all = true;
	else if (!strv_has(list, path) && strv_add(list, path) < 0)
		s->pending.all = true;
	pthread_mutex_unlock(&s->lock);
	n = write(s->event_fd, &one, sizeof(one));
	(void)n; /* it cannot block before 2^64 - 1 of them */
}

void stale_init(struct stale *s, struct fs *const fs[VM_SHARES], struct guestlog *log)
{
	static const char *const tags[VM_SHARES] = { TAG_PRIVATE, TAG_SHARED };
	struct err err = ERR_INIT;

	pthread_mutex_init(&s->lock, NULL);
	s->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (s->event_fd < 0)
		(void)err_sys(&err, errno, "eventfd");
	else if (fs_watcher_new(stale_on_name, s, &s->watcher, &err) == 0)
		for (unsigned int i = 0; i < VM_SHARES; i++)
			fs_watch(fs[i], s->watcher, tags[i]);
	if (s->watcher == NULL && log != NULL)
		guestlog_say(
			log, "vmrunc: what the host changes in the container's files will be seen late: %s", err.msg);
}

static void stale_on_event(void *arg, uint32_t events unused)
{
	struct stale *s = arg;
	uint64_t count;

	if (read(s->event_fd, &count, sizeof(count)) == (ssize_t)sizeof(count))
		s->on_stale(s->arg);
}

int stale_start(struct stale *s, struct fs *fs, struct loop *loop, void (*on_stale)(void *arg), void *arg)
{
	int r;

	if (s->watcher == NULL)
		return 0;
	s->on_stale = on_stale;
	s->arg = arg;
	r = watch_new(loop, s->event_fd, EPOLLIN, stale_on_event, s, &s->watch);
	return r < 0 ? r : fs_watcher_start(s->watcher, fs);
}

void stale_take(struct stale *s, struct vm_stale *ret)
{
	if (s->watcher == NULL)
		return;
	pthread_mutex_lock(&s->lock);
	*ret = s->pending;
	s->pending = (struct vm_stale){ .all = false };
	pthread_mutex_unlock(&s->lock);
}

void stale_stop(struct stale *s)
{
	fs_watcher_stop(s->watcher);
	watch_free(s->watch);
	s->watch = NULL;
}

void stale_done(struct stale *s)
{
	if (s->watcher == NULL)
		return;
	fs_watcher_free(s->watcher);
	s->watcher = NULL;
	fd_close(s->event_fd);
	vm_stale_done(&s->pending);
	pthread_mutex_destroy(&s->lock);
}
