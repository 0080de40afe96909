/* SPDX-License-Identifier: Apache-2.0 */
/* The threads of network devices with several pairs: see netthreads.h. */
#include "vm/virtio/netthreads.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "host/thread.h"

struct pair_thread {
	struct loop *loop;
	pthread_t thread;
	bool runs;
};

struct netthreads {
	unsigned int len;
	struct pair_thread threads[];
};

const char *const netthreads_syscalls[] = {
	/* base/loop.c; epoll_wait(3) is epoll_pwait where a kernel has only that */
	"epoll_ctl",
	"epoll_pwait",
	"epoll_wait",
	"read", /* kicks */
	/* the tap */
	"readv",
	"writev",
	NULL,
};

int netthreads_new(unsigned int pairs, struct netthreads **ret, struct err *err)
{
	struct netthreads *t = calloc(1, sizeof(*t) + (pairs - 1) * sizeof(t->threads[0]));
	int r = t ? 0 : -ENOMEM;

	for (; r == 0 && t->len < pairs - 1; t->len += r == 0)
		r = loop_new(&t->threads[t->len].loop);
	if (r < 0) {
		netthreads_free(t);
		return err_sys(err, r, "threads of the network");
	}
	*ret = t;
	return 0;
}

struct loop *netthreads_loop(const struct netthreads *t, unsigned int pair)
{
	return t->threads[pair - 1].loop;
}

/* A thread: serves its pair of each device until netthreads_stop(). */
static void *serve(void *arg)
{
	struct pair_thread *p = arg;

	if (loop_run(p->loop) < 0)
		abort(); /* epoll_wait(2) of an epoll instance fails for no other reason than a signal */
	return NULL;
}

int netthreads_start(struct netthreads *t, struct err *err)
{
	for (unsigned int i = 0; i < t->len; i++) {
		int r = thread_start(THREAD_NET, &t->threads[i].thread, serve, &t->threads[i]);

		if (r < 0)
			return err_sys(err, r, "thread of the network");
		t->threads[i].runs = true;
	}
	return 0;
}

void netthreads_stop(struct netthreads *t)
{
	for (unsigned int i = 0; i < t->len; i++) {
		if (!t->threads[i].runs)
			continue;
		loop_stop(t->threads[i].loop);
		(void)pthread_join(t->threads[i].thread, NULL); /* cannot fail: it runs */
		t->threads[i].runs = false;
	}
}

void netthreads_free(struct netthreads *t)
{
	if (!t)
		return;
	netthreads_stop(t);
	for (unsigned int i = 0; i < t->len; i++)
		loop_free(t->threads[i].loop);
	free(t);
}
