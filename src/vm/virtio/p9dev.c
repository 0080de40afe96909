/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtio-9p: a queue on one side, a 9P session on the other.
 *
 * The device has two threads of its own, which sleep until the queue is kicked, so that a file request never waits behind
 * console or net. The thread that a kick wakes takes the chains. It serves the last one itself (nearly always there is
 * only one), provided that the other thread sleeps and can take what comes meanwhile. All others go to the threads of the
 * server:
 *
 *   kick ─> [own thread: pop ─┬─> p9_serve ─────────────────────┬─> p9dev_done: push, interrupt]
 *                             └─> p9_submit ─> [server thread] ─┘
 *
 * So a lone request wakes one thread, and several requests run in parallel.
 *
 * The threads share an epoll instance that watches the kick's eventfd edge-triggered: a kick wakes exactly one of them,
 * and the counter need not be read.
 *
 * Requests come from a fixed pool, which has one more than the queue has entries. The queue never lets more chains out
 * (virtq.h, invariant 3), so the pool never runs dry. The iovecs of a request point into guest memory, so that the bytes
 * of files are not copied on the way.
 *
 * Reset, and the end of the queue, run on the vCPU thread that asked for them. They wait for the requests that the
 * device's own threads are serving, then cancel the others (p9_session_reset) and wait for those as well.
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

#define P9_QUEUE 128         /* Linux puts up to 128 segments into a message, and relies on that many */
#define SLOTS (P9_QUEUE + 1) /* as many as chains can be out, and one for the thread that takes the next chain */
#define TURN_CHAINS P9_QUEUE
#define THREADS 2 /* one serves while the other waits */

struct p9dev_slot {
	struct p9_request req;
	struct virtio_p9dev *device;
	struct p9dev_slot *next_free;
	uint16_t head;
	struct iovec iov[P9_QUEUE];
};

struct virtio_p9dev {
	struct virtio_dev dev;
	struct p9_server *server; /* borrowed */
	struct p9_session *session;
	struct {
		__virtio16 tag_len;
		char tag[P9DEV_TAG_MAX];
	} config;

	pthread_mutex_t pool_lock; /* LOCK: free, serving */
	struct p9dev_slot *free;   /* the slot returned last is taken first, so that few of them ever touch memory */
	struct p9dev_slot *slots;

	unsigned int serving;  /* how many requests the device's own threads are serving */
	pthread_cond_t served; /* signalled when serving becomes 0 */

	int epoll_fd;
	pthread_t threads[THREADS];
	unsigned int threads_len;
	atomic_uint idle; /* how many threads wait for a kick */
	atomic_bool quit;
};

static struct virtio_p9dev *p9dev_of(struct virtio_dev *dev)
{
	return container_of(dev, struct virtio_p9dev, dev);
}

/* Takes a free slot, of which there always is one: see SLOTS. */
static struct p9dev_slot *slot_take(struct virtio_p9dev *p)
{
	struct p9dev_slot *slot;

	pthread_mutex_lock(&p->pool_lock);
	slot = p->free;
	assert(slot);
	p->free = slot->next_free;
	pthread_mutex_unlock(&p->pool_lock);
	return slot;
}

static void slot_put(struct virtio_p9dev *p, struct p9dev_slot *slot)
{
	pthread_mutex_lock(&p->pool_lock);
	slot->next_free = p->free;
	p->free = slot;
	pthread_mutex_unlock(&p->pool_lock);
}

/* A request is answered. On any thread. The slot is freed before the chain is given back: see virtq.h, invariant 3. */
static void p9dev_done(struct p9_request *req, uint32_t reply_len)
{
	struct p9dev_slot *slot = container_of(req, struct p9dev_slot, req);
	struct virtio_p9dev *p = slot->device;
	uint16_t head = slot->head;

	slot_put(p, slot);
	virtio_give(&p->dev, 0, head, reply_len);
}

static void slot_fill(struct p9dev_slot *slot, const struct virtq_chain *chain)
{
	slot->head = chain->head;
	slot->req = (struct p9_request){
		.in = chain->out, /* out and in are the driver's words: what it sends is what the server gets */
		.in_count = chain->out_len,
		.out = chain->in,
		.out_count = chain->in_len,
		.done = p9dev_done,
	};
}

/*
 * Takes all chains that wait, within the budget of a turn. All but the last are submitted to the server; the last is
 * *@ret_last (NULL: there is none). Returns what ops->kick does. The device's lock is held.
 */
static int take_all(struct virtio_p9dev *p, struct p9dev_slot **ret_last)
{
	struct virtq *vq = virtio_vq(&p->dev, 0);
	struct p9dev_slot *last = NULL, *slot;
	struct virtq_chain chain;
	int r, budget = TURN_CHAINS;

	*ret_last = NULL;
	virtq_kicks_off(vq);
	do {
		while (slot = slot_take(p), (r = virtq_pop(vq, &chain, slot->iov, ARRAY_LEN(slot->iov))) > 0) {
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

/* ops->kick, for callers of virtio_queue_turn() (the tests): all requests go to the threads of the server. */
static int p9dev_kick(struct virtio_dev *dev, unsigned int queue)
{
	struct virtio_p9dev *p = p9dev_of(dev);
	struct p9dev_slot *last;
	int r = take_all(p, &last);

	(void)queue;
	if (last)
		p9_submit(p->session, &last->req);
	return r;
}

/* Takes the chains that wait. Returns the request that the caller is to serve, or NULL if others have them all. */
static struct p9dev_slot *thread_take(struct virtio_p9dev *p, bool may_serve)
{
	struct p9dev_slot *last = NULL;
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
		p->serving++; /* before the device's lock is released, because a reset must see it */
		pthread_mutex_unlock(&p->pool_lock);
	}
	pthread_mutex_unlock(&p->dev.lock);
	return last;
}

static void serving_end(struct virtio_p9dev *p)
{
	pthread_mutex_lock(&p->pool_lock);
	if (--p->serving == 0)
		pthread_cond_broadcast(&p->served);
	pthread_mutex_unlock(&p->pool_lock);
}

/* Takes the chains that wait and serves the last, unless others have them all: whether it did. */
static bool thread_serve(struct virtio_p9dev *p, struct p9_worker *worker, bool may_serve)
{
	struct p9dev_slot *slot = thread_take(p, may_serve);

	if (!slot)
		return false;
	p9_serve(p->session, worker, &slot->req);
	serving_end(p);
	return true;
}

bool virtio_p9dev_serve(struct virtio_dev *dev, struct p9_worker *worker)
{
	struct virtio_p9dev *p = p9dev_of(dev);
	bool served;

	atomic_fetch_add(&p->idle, 1); /* who calls this takes what comes meanwhile */
	served = thread_serve(p, worker, true);
	atomic_fetch_sub(&p->idle, 1);
	return served;
}

/* One of the device's threads: waits for kicks and serves requests until p9dev_stop(). */
static void *p9dev_thread(void *arg)
{
	struct virtio_p9dev *p = arg;
	struct p9_worker *worker = NULL;
	bool may_serve = p9_worker_new(p->server, &worker) == 0; /* if not, the server's threads do everything */

	while (!atomic_load(&p->quit)) {
		struct epoll_event event;

		atomic_fetch_add(&p->idle, 1);
		(void)epoll_wait(p->epoll_fd, &event, 1, -1); /* if it returns without a kick, no chain will be found */
		atomic_fetch_sub(&p->idle, 1);
		while (thread_serve(p, worker, may_serve))
			;
	}
	virtio_queue_poke(&p->dev.queues[0]); /* wakes the next thread, which is to quit as well */
	p9_worker_free(worker);
	return NULL;
}

static void p9dev_quiesce(struct virtio_dev *dev)
{
	struct virtio_p9dev *p = p9dev_of(dev);

	pthread_mutex_lock(&p->pool_lock);
	while (p->serving)
		pthread_cond_wait(&p->served, &p->pool_lock);
	pthread_mutex_unlock(&p->pool_lock);
	p9_session_reset(p->session);
}

static void p9dev_stop(struct virtio_dev *dev)
{
	struct virtio_p9dev *p = p9dev_of(dev);

	atomic_store(&p->quit, true);
	virtio_queue_poke(&dev->queues[0]);
	while (p->threads_len)
		pthread_join(p->threads[--p->threads_len], NULL);
	fd_close(p->epoll_fd);
	p->epoll_fd = -1;
}

/* ops->start. */
static int p9dev_start(struct virtio_dev *dev, struct loop *loop, struct err *err)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	struct virtio_p9dev *p = p9dev_of(dev);
	int r = 0;

	(void)loop;
	atomic_store(&p->quit, false);
	p->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (p->epoll_fd < 0 || epoll_ctl(p->epoll_fd, EPOLL_CTL_ADD, dev->queues[0].kick_fd, &event) < 0)
		return err_sys(err, errno, "virtio 9p: epoll");
	while (r == 0 && p->threads_len < THREADS) {
		r = thread_start(THREAD_FILES, &p->threads[p->threads_len], p9dev_thread, p);
		if (r == 0)
			p->threads_len++;
	}
	return r ? err_sys(err, r, "virtio 9p: thread") : 0;
}

static void p9dev_free(struct virtio_dev *dev)
{
	struct virtio_p9dev *p = p9dev_of(dev);

	p9_session_free(p->session);
	pthread_cond_destroy(&p->served);
	pthread_mutex_destroy(&p->pool_lock);
	free(p->slots);
	free(p);
}

/* The kicks' epoll instance. The file service and the 9P server have lists of their own, as have threads. */
static const char *const p9dev_syscalls[] = { "epoll_create1", "epoll_ctl", NULL };
static const char *const p9dev_thread_syscalls[] = { "epoll_wait", "epoll_pwait", NULL };

static const struct virtio_ops p9dev_ops = {
	.name = "9p",
	.id = VIRTIO_ID_9P,
	.calls = { .names = p9dev_syscalls },
	.thread_calls = { .names = p9dev_thread_syscalls },
	.threaded = true,
	.kick = p9dev_kick,
	.quiesce = p9dev_quiesce,
	.start = p9dev_start,
	.stop = p9dev_stop,
	.free = p9dev_free,
};

/* Makes the common part, the pool and the session. 0 or -errno with a message. */
static int p9dev_setup(
	struct virtio_p9dev *p, const struct mem *mem, struct p9_server *server, const char *tag, struct err *err)
{
	static const uint16_t queue_size = P9_QUEUE;
	int r = virtio_init(&p->dev, &p9dev_ops, mem, &queue_size, 1, err);

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

int virtio_p9dev_new(
	const struct mem *mem, struct p9_server *server, const char *tag, struct virtio_dev **ret_dev, struct err *err)
{
	struct virtio_p9dev *p;
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
	r = p9dev_setup(p, mem, server, tag, err);
	if (r < 0) {
		virtio_done(&p->dev);
		p9dev_free(&p->dev);
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
