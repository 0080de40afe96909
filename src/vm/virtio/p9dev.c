/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtio-9p: a queue on one side, a 9P session on the other.
 *
 * Two threads of the device's own sleep on the queue's kick, so a file request
 * never waits behind the console or the net. The one that a kick wakes takes
 * the chains; the last of them (nearly always there is but one) it serves
 * itself, as long as the other one sleeps and can take what comes meanwhile.
 * What else there is goes to the server's threads:
 *
 *   kick ─> [p9 thread: pop ─┬─> p9_serve ─────────────────────┬─> p9_done: push, interrupt]
 *                            └─> p9_submit ─> [server thread] ─┘
 *
 * So a lone request costs one wake of a thread, and several run in parallel.
 *
 * The threads share an epoll instance that watches the eventfd edge-triggered:
 * a kick wakes exactly one of them, and the counter need not be read.
 *
 * A request is one of a fixed pool, one more than the queue has entries; the
 * queue never lets more chains out (virtq.h, invariant 3), so the pool does not
 * run dry. Its iovecs point into guest memory: payload goes straight there.
 *
 * Reset and the queue's end wait for the requests that the device's threads are
 * serving, then cancel the others (p9_session_reset) and wait for them too, on
 * the vCPU that asked for it.
 */
#include "vm/virtio/p9dev.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <linux/virtio_9p.h>

#include "base/fd.h"
#include "host/thread.h"
#include "p9/p9.h"

#define P9_QUEUE 128         /* Linux puts at most 128 segments into a message, and counts on that many */
#define SLOTS (P9_QUEUE + 1) /* as many chains as can be out, and one in the hand of who takes the next */
#define TURN_CHAINS P9_QUEUE
#define THREADS 2 /* one serves while the other waits */

struct p9_slot {
	struct p9_request req;
	struct virtio_p9 *device;
	struct p9_slot *next_free;
	uint16_t head;
	struct iovec iov[P9_QUEUE];
};

struct virtio_p9 {
	struct virtio_dev dev;
	struct p9_server *server; /* borrowed */
	struct p9_session *session;
	struct {
		__virtio16 tag_len;
		char tag[P9DEV_TAG_MAX];
	} config;

	pthread_mutex_t pool_lock; /* LOCK: free, serving */
	struct p9_slot *free;      /* last returned first out: few slots ever touch memory */
	struct p9_slot *slots;

	unsigned int serving; /* requests on the device's own threads */
	pthread_cond_t served;

	int epoll_fd;
	pthread_t threads[THREADS];
	unsigned int threads_len;
	atomic_uint idle; /* threads that wait for a kick */
	atomic_bool quit;
};

static struct virtio_p9 *p9_of(struct virtio_dev *dev)
{
	return container_of(dev, struct virtio_p9, dev);
}

/* Never NULL: see SLOTS. */
static struct p9_slot *slot_take(struct virtio_p9 *p)
{
	struct p9_slot *slot;

	pthread_mutex_lock(&p->pool_lock);
	slot = p->free;
	assert(slot);
	p->free = slot->next_free;
	pthread_mutex_unlock(&p->pool_lock);
	return slot;
}

static void slot_put(struct virtio_p9 *p, struct p9_slot *slot)
{
	pthread_mutex_lock(&p->pool_lock);
	slot->next_free = p->free;
	p->free = slot;
	pthread_mutex_unlock(&p->pool_lock);
}

/* On any thread. The slot is free again before the chain is home: see invariant 3 of virtq.h. */
static void p9_done(struct p9_request *req, uint32_t reply_len)
{
	struct p9_slot *slot = container_of(req, struct p9_slot, req);
	struct virtio_p9 *p = slot->device;
	uint16_t head = slot->head;

	slot_put(p, slot);
	virtio_give(&p->dev, 0, head, reply_len);
}

static void slot_fill(struct p9_slot *slot, const struct virtq_chain *chain)
{
	slot->head = chain->head;
	slot->req = (struct p9_request){
		.in = chain->out, /* what the driver says is what the server reads */
		.in_count = chain->out_len,
		.out = chain->in,
		.out_count = chain->in_len,
		.done = p9_done,
	};
}

/*
 * Takes every chain that waits, within the budget of a turn. All but the last
 * are submitted; the last is *@ret_last (NULL: there was none). Results as of
 * ops->kick. The device's lock is held.
 */
static int take_all(struct virtio_p9 *p, struct p9_slot **ret_last)
{
	struct virtq *vq = virtio_vq(&p->dev, 0);
	struct p9_slot *last = NULL, *slot;
	struct virtq_chain chain;
	int r, budget = TURN_CHAINS;

	*ret_last = NULL;
	virtq_kicks_off(vq);
	do {
		while (slot = slot_take(p), (r = virtq_pop(vq, &chain, slot->iov)) > 0) {
			slot_fill(slot, &chain);
			if (last)
				p9_submit(p->session, &last->req);
			*ret_last = last = slot;
			if (--budget == 0)
				return VIRTIO_MORE;
		}
		slot_put(p, slot);
	} while (r == 0 && virtq_kicks_on(vq));
	return r;
}

/* A kick that somebody else has waited for: everything goes to the server's threads. */
static int p9_kick(struct virtio_dev *dev, unsigned int queue)
{
	struct virtio_p9 *p = p9_of(dev);
	struct p9_slot *last;
	int r = take_all(p, &last);

	(void)queue;
	if (last)
		p9_submit(p->session, &last->req);
	return r;
}

/* Takes what waits; the request that the caller is to serve, or NULL: all is taken care of. */
static struct p9_slot *thread_take(struct virtio_p9 *p, bool may_serve)
{
	struct p9_slot *last = NULL;
	int r = VIRTIO_DONE;

	pthread_mutex_lock(&p->dev.lock);
	if (virtio_live(&p->dev) && virtio_vq(&p->dev, 0)->s.ready)
		r = take_all(p, &last);
	if (r < 0)
		virtio_break(&p->dev);
	if (last && (!may_serve || atomic_load(&p->idle) == 0)) {
		p9_submit(p->session, &last->req);
		last = NULL;
		if (r == VIRTIO_MORE)
			virtio_queue_poke(&p->dev.queues[0]);
	}
	if (last) {
		pthread_mutex_lock(&p->pool_lock);
		p->serving++; /* before the device's lock goes: a reset must see it */
		pthread_mutex_unlock(&p->pool_lock);
	}
	pthread_mutex_unlock(&p->dev.lock);
	return last;
}

static void serving_end(struct virtio_p9 *p)
{
	pthread_mutex_lock(&p->pool_lock);
	if (--p->serving == 0)
		pthread_cond_broadcast(&p->served);
	pthread_mutex_unlock(&p->pool_lock);
}

static void *p9_thread(void *arg)
{
	struct virtio_p9 *p = arg;
	struct p9_worker *worker = NULL;
	bool may_serve = p9_worker_new(p->server, &worker) == 0; /* else the server's threads do it all */
	struct p9_slot *slot;

	while (!atomic_load(&p->quit)) {
		struct epoll_event event;

		atomic_fetch_add(&p->idle, 1);
		(void)epoll_wait(p->epoll_fd, &event, 1, -1); /* woken for nothing: finds nothing */
		atomic_fetch_sub(&p->idle, 1);
		while ((slot = thread_take(p, may_serve))) {
			p9_serve(p->session, worker, &slot->req);
			serving_end(p);
		}
	}
	virtio_queue_poke(&p->dev.queues[0]); /* the next one shall quit as well */
	p9_worker_free(worker);
	return NULL;
}

static void p9_quiesce(struct virtio_dev *dev)
{
	struct virtio_p9 *p = p9_of(dev);

	pthread_mutex_lock(&p->pool_lock);
	while (p->serving)
		pthread_cond_wait(&p->served, &p->pool_lock);
	pthread_mutex_unlock(&p->pool_lock);
	p9_session_reset(p->session);
}

static void p9_stop(struct virtio_dev *dev)
{
	struct virtio_p9 *p = p9_of(dev);

	atomic_store(&p->quit, true);
	virtio_queue_poke(&dev->queues[0]);
	while (p->threads_len)
		pthread_join(p->threads[--p->threads_len], NULL);
	fd_close(p->epoll_fd);
	p->epoll_fd = -1;
}

static int p9_start(struct virtio_dev *dev, struct loop *loop, struct err *err)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	struct virtio_p9 *p = p9_of(dev);
	int r = 0;

	(void)loop;
	atomic_store(&p->quit, false);
	p->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (p->epoll_fd < 0 || epoll_ctl(p->epoll_fd, EPOLL_CTL_ADD, dev->queues[0].kick_fd, &event) < 0)
		return err_sys(err, errno, "virtio 9p: epoll");
	while (r == 0 && p->threads_len < THREADS) {
		r = thread_start(&p->threads[p->threads_len], p9_thread, p);
		if (r == 0)
			p->threads_len++;
	}
	return r ? err_sys(err, r, "virtio 9p: thread") : 0;
}

static void p9_free(struct virtio_dev *dev)
{
	struct virtio_p9 *p = p9_of(dev);

	p9_session_free(p->session);
	pthread_cond_destroy(&p->served);
	pthread_mutex_destroy(&p->pool_lock);
	free(p->slots);
	free(p);
}

/* The kicks' epoll instance. The file service and the 9P server have lists of their own, as have threads. */
static const char *const p9dev_syscalls[] = { "epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait", NULL };

static const struct virtio_ops p9_ops = {
	.name = "9p",
	.id = VIRTIO_ID_9P,
	.calls = { .names = p9dev_syscalls },
	.threaded = true,
	.kick = p9_kick,
	.quiesce = p9_quiesce,
	.start = p9_start,
	.stop = p9_stop,
	.free = p9_free,
};

static int p9_setup(
	struct virtio_p9 *p, const struct mem *mem, struct p9_server *server, const char *tag, struct err *err)
{
	static const uint16_t queue_size = P9_QUEUE;
	int r = virtio_init(&p->dev, &p9_ops, mem, &queue_size, 1, err);

	if (r < 0)
		return r;
	p->slots = calloc(SLOTS, sizeof(*p->slots));
	if (!p->slots)
		return err_sys(err, ENOMEM, "virtio 9p '%s'", tag);
	for (unsigned int i = 0; i < SLOTS; i++) {
		p->slots[i].device = p;
		p->slots[i].next_free = p->free;
		p->free = &p->slots[i];
	}
	r = p9_session_new(server, &p->session);
	if (r < 0)
		return err_sys(err, r, "virtio 9p '%s': session", tag);
	return 0;
}

int virtio_p9_new(
	const struct mem *mem, struct p9_server *server, const char *tag, struct virtio_dev **ret_dev, struct err *err)
{
	struct virtio_p9 *p;
	size_t tag_len = strlen(tag);
	int r;

	assert(tag_len > 0 && tag_len <= P9DEV_TAG_MAX);
	p = calloc(1, sizeof(*p));
	if (!p)
		return err_sys(err, ENOMEM, "virtio 9p '%s'", tag);
	p->server = server;
	p->epoll_fd = -1;
	pthread_mutex_init(&p->pool_lock, NULL);
	pthread_cond_init(&p->served, NULL);
	r = p9_setup(p, mem, server, tag, err);
	if (r < 0) {
		virtio_done(&p->dev);
		p9_free(&p->dev);
		return r;
	}
	p->dev.features |= VIRTIO_BIT(VIRTIO_9P_MOUNT_TAG);
	p->config.tag_len = (uint16_t)tag_len;
	memcpy(p->config.tag, tag, tag_len);
	p->dev.config = (uint8_t *)&p->config;
	p->dev.config_len = (unsigned int)(sizeof(p->config.tag_len) + tag_len);
	*ret_dev = &p->dev;
	return 0;
}
