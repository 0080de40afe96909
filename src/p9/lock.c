/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests that wait for a lock.
 *
 * A Tlock that may block, and cannot have its lock, is parked, and its worker goes on. One thread per server, started
 * for the first of them, tries all that are parked. It does so at once whenever this server has unlocked or closed
 * something, or a request was cancelled. For locks that processes of the host or other machines hold, it does so at
 * intervals that grow from 1 to 50 ms. Nothing runs while no request waits.
 *
 * Two other ways were no good. A thread for each lock, in fcntl(F_OFD_SETLKW), could only be called back by a signal,
 * and all signals of this process belong to other code. After the answer "blocked" the Linux client waits for 30 s
 * before it asks again.
 */
#include <errno.h>
#include <stdlib.h>

#include "host/thread.h"
#include "p9/server.h"

#define RETRY_MIN_MS 1
#define RETRY_MAX_MS 50

struct p9_lock_wait {
	struct p9_request *req;
	struct p9_ref ref;
	struct fs_lock lock;
	struct p9_lock_wait *next;
};

struct p9_locks {
	struct p9_server *server;
	pthread_mutex_t mutex;
	pthread_cond_t wake;
	/* LOCK: mutex */
	struct p9_lock_wait *fresh; /* parked, not yet seen by the thread */
	unsigned int count;         /* how many wait, seen or not */
	bool kicked, stopping, started;
	pthread_t thread;
};

int p9_locks_new(struct p9_server *server, struct p9_locks **ret_locks)
{
	struct p9_locks *locks = calloc(1, sizeof(*locks));
	pthread_condattr_t attr;

	if (locks == NULL)
		return -ENOMEM;
	locks->server = server;
	pthread_mutex_init(&locks->mutex, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&locks->wake, &attr);
	pthread_condattr_destroy(&attr);
	*ret_locks = locks;
	return 0;
}

void p9_locks_free(struct p9_locks *locks)
{
	if (locks == NULL)
		return;
	pthread_mutex_lock(&locks->mutex);
	locks->stopping = true;
	pthread_cond_signal(&locks->wake);
	pthread_mutex_unlock(&locks->mutex);
	if (locks->started)
		pthread_join(locks->thread, NULL);
	pthread_cond_destroy(&locks->wake);
	pthread_mutex_destroy(&locks->mutex);
	free(locks);
}

void p9_locks_kick(struct p9_locks *locks)
{
	pthread_mutex_lock(&locks->mutex);
	if (locks->count != 0) {
		locks->kicked = true;
		pthread_cond_signal(&locks->wake);
	}
	pthread_mutex_unlock(&locks->mutex);
}

/* Tries the lock of @w, or fails it with @error if that is not 0. True: its request was answered, and @w is gone. */
static bool wait_try(struct p9_lock_wait *w, int error)
{
	uint8_t status = P9_LOCK_SUCCESS;
	struct p9_request *req = w->req;
	uint32_t len;
	int r;

	r = error;
	if (r == 0)
		r = atomic_load(&req->cancelled) ? -EINTR : fs_lock_set(w->ref.file, &w->lock);
	if (r == -EAGAIN)
		return false;
	p9_ref_done(&w->ref);
	free(w);
	len = r < 0 ? p9_reply_error(req, r) : p9_reply(req, P9_MSIZE_MIN, &status, 1, 0);
	p9_finish(req, len);
	return true;
}

/* Tries all of the list: how many were answered and are gone. */
static unsigned int wait_try_all(struct p9_lock_wait **waiting, int error)
{
	unsigned int ended = 0;

	while (*waiting != NULL) {
		struct p9_lock_wait *w = *waiting, *next = w->next;

		if (wait_try(w, error)) {
			*waiting = next;
			ended++;
		} else {
			waiting = &w->next;
		}
	}
	return ended;
}

/* Waits for a kick, but at most @ms milliseconds: true if there was one. LOCK: locks->mutex */
static bool locks_sleep(struct p9_locks *locks, unsigned int ms)
{
	struct timespec until;
	bool kicked;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += (long)ms * 1000000;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	while (!locks->kicked && !locks->stopping && pthread_cond_timedwait(&locks->wake, &locks->mutex, &until) == 0)
		;
	kicked = locks->kicked;
	locks->kicked = false;
	return kicked;
}

/* The thread: tries all that wait, again and again, until the server stops and none waits. */
static void *locks_run(void *arg)
{
	struct p9_locks *locks = arg;
	struct p9_lock_wait *waiting = NULL, **end;
	unsigned int ms = RETRY_MIN_MS;
	int error = fs_thread_init(locks->server->fs);

	pthread_mutex_lock(&locks->mutex);
	while (!locks->stopping || locks->count != 0) {
		unsigned int ended;

		for (end = &waiting; *end != NULL; end = &(*end)->next)
			;
		*end = locks->fresh;
		locks->fresh = NULL;
		pthread_mutex_unlock(&locks->mutex);
		ended = wait_try_all(&waiting, error);
		pthread_mutex_lock(&locks->mutex);
		locks->count -= ended;
		if (locks->count == 0 && !locks->stopping)
			pthread_cond_wait(&locks->wake, &locks->mutex);
		else if (locks_sleep(locks, ms) || ended != 0)
			ms = RETRY_MIN_MS;
		else
			ms = MIN(2 * ms, (unsigned int)RETRY_MAX_MS);
	}
	pthread_mutex_unlock(&locks->mutex);
	return NULL;
}

int p9_locks_wait(struct p9_locks *locks, struct p9_request *req, struct p9_ref *ref, const struct fs_lock *lock)
{
	struct p9_lock_wait *w = malloc(sizeof(*w));
	int r = 0;

	if (w == NULL)
		return -ENOMEM;
	*w = (struct p9_lock_wait){ .req = req, .ref = *ref, .lock = *lock };
	pthread_mutex_lock(&locks->mutex);
	if (locks->count >= P9_LOCK_WAITERS_MAX) /* GUEST: */
		r = -EAGAIN;
	else if (!locks->started)
		r = thread_start(THREAD_FILES, &locks->thread, locks_run, locks);
	if (r == 0) {
		locks->started = true;
		w->next = locks->fresh;
		locks->fresh = w;
		locks->count++;
		locks->kicked = true;
		pthread_cond_signal(&locks->wake);
	}
	pthread_mutex_unlock(&locks->mutex);
	if (r < 0)
		free(w);
	else
		*ref = (struct p9_ref){ 0 };
	return r;
}
