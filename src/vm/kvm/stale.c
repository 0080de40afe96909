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

/* Wakes the loop. */
static void stale_signal(struct stale *s)
{
	uint64_t one = 1;
	ssize_t n = write(s->event_fd, &one, sizeof(one));

	(void)n; /* it cannot block before 2^64 - 1 of them */
}

/* The file services' callback, on any of their threads: they hold much for names that the guest may not need. */
static void stale_on_press(void *arg)
{
	struct stale *s = arg;

	pthread_mutex_lock(&s->lock);
	s->pending.idle = true;
	pthread_mutex_unlock(&s->lock);
	stale_signal(s);
}

/* The watcher's callback, on its thread. What does not fit is told as a whole. */
static void stale_on_name(void *arg, enum fs_stale what, const char *path)
{
	struct stale *s = arg;
	struct strv *list = what == FS_STALE_GONE ? &s->pending.moved : &s->pending.gone;

	pthread_mutex_lock(&s->lock);
	if (what == FS_STALE_UNKNOWN || s->pending.moved.n + s->pending.gone.n >= VM_STALE_MAX)
		s->pending.all = true;
	else if (!strv_has(list, path) && strv_add(list, path) < 0)
		s->pending.all = true;
	pthread_mutex_unlock(&s->lock);
	stale_signal(s);
}

int stale_new(struct stale *s, uint64_t files_bytes, struct err *err)
{
	s->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (s->event_fd < 0)
		return err_sys(err, errno, "eventfd");
	pthread_mutex_init(&s->lock, NULL);
	s->made = true;
	fs_memory_bound(files_bytes, stale_on_press, s);
	return 0;
}

void stale_init(struct stale *s, struct fs *const fs[VM_SHARES], struct guestlog *log)
{
	static const char *const tags[VM_SHARES] = { TAG_PRIVATE, TAG_SHARED };
	struct err err = ERR_INIT;

	if (fs_watcher_new(stale_on_name, s, &s->watcher, &err) == 0)
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

	s->on_stale = on_stale;
	s->arg = arg;
	r = watch_new(loop, s->event_fd, EPOLLIN, stale_on_event, s, &s->watch);
	return r < 0 || s->watcher == NULL ? r : fs_watcher_start(s->watcher, fs);
}

void stale_take(struct stale *s, struct vm_stale *ret)
{
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
	if (!s->made)
		return;
	fs_memory_bound(0, NULL, NULL);
	fs_watcher_free(s->watcher);
	s->watcher = NULL;
	s->made = false;
	fd_close(s->event_fd);
	vm_stale_done(&s->pending);
	pthread_mutex_destroy(&s->lock);
}
