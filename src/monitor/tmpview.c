/* SPDX-License-Identifier: Apache-2.0 */
/* The container's tmpfs for readers on the host: see tmpview.h. */
#include "monitor/tmpview.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/clock.h"
#include "fuse/kernel.h"
#include "fuse/port.h"
#include "guest/guest.h"
#include "monitor/tmpfuse.h"

/* What INIT accepts. */
#define FLAGS (FUSE_BIG_WRITES | FUSE_ATOMIC_O_TRUNC | FUSE_PARALLEL_DIROPS | FUSE_MAX_PAGES | FUSE_HANDLE_KILLPRIV_V2)
#define KERNEL_ERRNO_MAX 511 /* that a reply may have */

/* A file system. */
struct place {
	struct tmpview *view;
	uint32_t number;
	struct fuse_port *port;
};

/* A request that is with the guest. */
struct held {
	TAILQ_ENTRY(held) link;
	struct place *place;
	struct tmpfuse_ask ask; /* without what the request had */
	uint64_t unique;
	int64_t until_ms;
	bool over; /* its reader waits no longer */
};

struct tmpview {
	struct tmpview_config config;
	struct place places[PROTO_FILE_PLACES_MAX];
	TAILQ_HEAD(helds, held) held;          /* in the order of until_ms */
	unsigned int held_len, over_len;       /* of those how many are over */
	uint32_t read[PROTO_FILE_HANDLES_MAX]; /* bytes that readers have got of each handle's directory */
	struct watch *timer;
	bool armed;
};

/* --- the guest --- */

static bool can_ask(const struct tmpview *v)
{
	return v->config.commands->serving && !v->config.commands->paused;
}

/* Leaves further requests with the kernel while the guest has enough, unless it answers none of them any more. */
static void pace(struct tmpview *v)
{
	bool full = v->held_len >= TMPVIEW_HELD_MAX && v->over_len < v->held_len;

	for (size_t i = 0; i < v->config.len; i++)
		fuse_port_hold(v->places[i].port, full);
}

/* Counts @len further bytes of the directory that @h has read: 0 or -EIO. */
static int count_entries(const struct held *h, size_t len)
{
	uint64_t number = h->ask.file.handle;
	uint32_t *read = number > 0 && number <= PROTO_FILE_HANDLES_MAX ? &h->place->view->read[number - 1] : NULL;

	if (!read)
		return -EIO;
	if (h->ask.file.offset == 0) /* also of a new directory with this handle */
		*read = 0;
	if (len > TMPVIEW_DIR_MAX - *read)
		return -EIO;
	*read += (uint32_t)len; /* both are below TMPVIEW_DIR_MAX */
	return 0;
}

/* Answers the reader of @h with what the guest says: 0 or -EIO. */
static int reply(const struct held *h, const struct proto_file *a)
{
	autobuf out = BUF_INIT;
	int r = tmpfuse_check(&h->ask, a);

	if (r == 0)
		r = tmpfuse_write(&h->ask, a, &out);
	if (r == 0 && h->ask.file.op == GUEST_FILE_READDIR)
		r = count_entries(h, out.len);
	if (r == 0)
		fuse_port_reply(h->place->port, h->unique, 0, out.data, out.len);
	return r;
}

/* Tells the guest that @handle is needed no more. If that cannot be said, the guest is as good as gone. */
static void close_handle(const struct tmpview *v, uint64_t handle)
{
	if (handle && v->config.commands->guest && v->config.commands->serving)
		(void)!guest_file_close(v->config.commands->guest, v->config.cid, handle);
}

/* GUEST: the answer to a request, the only one (guest.h). */
static void on_answer(void *arg, const struct err *err, const void *payload, size_t len)
{
	struct held *h = arg;
	struct tmpview *v = h->place->view;
	struct proto_file a;
	int r = -EIO;

	if (err->errnum)
		r = err->errnum > KERNEL_ERRNO_MAX || err->errnum == ENOSYS || err->errnum == ECONNRESET ? -EIO
													 : -err->errnum;
	else if (proto_get_file(payload, len, &a) == 0 && (h->over || (r = reply(h, &a)) < 0))
		close_handle(v, tmpfuse_gives_handle(h->ask.file.op) ? a.handle : 0);
	if (r < 0 && !h->over)
		fuse_port_reply(h->place->port, h->unique, r, NULL, 0);
	TAILQ_REMOVE(&v->held, h, link);
	v->held_len--;
	v->over_len -= h->over;
	free(h);
	pace(v);
}

static unsigned int answer_ms(const struct tmpview *v)
{
	return v->config.answer_ms ? v->config.answer_ms : TMPVIEW_ANSWER_MS;
}

/* The reader of @h waits no more. The answer may come yet. */
static void give_up(struct held *h)
{
	h->over = true;
	h->place->view->over_len++;
	fuse_port_reply(h->place->port, h->unique, -EIO, NULL, 0);
}

/* Whoever has waited for too long waits no more. */
static void on_timeout(void *arg)
{
	struct tmpview *v = arg;
	int64_t now = clock_now_ms();
	struct held *h;

	v->armed = false;
	TAILQ_FOREACH (h, &v->held, link) {
		if (h->over)
			continue;
		if (h->until_ms > now) {
			v->armed = timer_set(v->timer, (uint64_t)(h->until_ms - now)) == 0;
			break;
		}
		give_up(h);
	}
	pace(v);
}

/* Asks the guest for what @ask has: 0, and the reply comes later, or -errno. */
static int ask_guest(struct place *p, uint64_t unique, struct tmpfuse_ask *ask)
{
	struct tmpview *v = p->view;
	struct err ignored;
	struct held *h;
	int r;

	if (v->held_len >= TMPVIEW_HELD_MAX)
		return -EIO; /* all of them are over: see pace() */
	v->armed = v->armed || timer_set(v->timer, answer_ms(v)) == 0;
	h = v->armed ? malloc(sizeof(*h)) : NULL;
	if (!h)
		return -ENOMEM;
	*h = (struct held){
		.place = p, .ask = *ask, .unique = unique, .until_ms = clock_now_ms() + (int64_t)answer_ms(v)
	};
	h->ask.file.name = h->ask.file.to = NULL;
	h->ask.file.data = (struct guest_blob){ .len = 0 };
	r = guest_file(v->config.commands->guest, v->config.cid, &ask->file, on_answer, h, &ignored);
	if (r < 0) {
		free(h);
		return -EIO;
	}
	TAILQ_INSERT_TAIL(&v->held, h, link);
	v->held_len++;
	pace(v);
	return 0;
}

/* --- requests --- */

static void release(struct place *p, const struct fuse_request *r)
{
	struct fuse_release_in in;

	if (r->len >= sizeof(in)) {
		memcpy(&in, r->body, sizeof(in));
		close_handle(p->view, in.fh);
	}
	fuse_port_reply(p->port, r->unique, r->len >= sizeof(in) ? 0 : -EINVAL, NULL, 0);
}

/* What the guest is not needed for is done here; the rest it is asked. */
static void on_request(void *arg, const struct fuse_request *r)
{
	struct place *p = arg;
	struct tmpfuse_ask ask;
	int error;

	switch (r->opcode) {
	case FUSE_INTERRUPT: /* what a signal interrupts may have been done already: it is answered in time all the same */
		return;
	case FUSE_RELEASE:
	case FUSE_RELEASEDIR:
		release(p, r);
		return;
	default:
		break;
	}
	error = tmpfuse_read(r, &ask);
	if (error == 0 && !can_ask(p->view))
		error = -EIO;
	ask.file.place = p->number;
	if (error == 0)
		error = ask_guest(p, r->unique, &ask);
	if (error < 0)
		fuse_port_reply(p->port, r->unique, error, NULL, 0);
}

int tmpview_new(const struct tmpview_config *config, struct tmpview **ret)
{
	struct tmpview *v = calloc(1, sizeof(*v));
	int r;

	if (!v)
		return -ENOMEM;
	v->config = *config;
	TAILQ_INIT(&v->held);
	r = timer_new(config->loop, 0, on_timeout, v, &v->timer);
	for (size_t i = 0; r == 0 && i < config->len; i++) {
		v->places[i] = (struct place){ .view = v, .number = (uint32_t)i };
		r = fuse_port_new(config->loop, config->fds[i], PROTO_FILE_DATA_MAX, FLAGS, on_request, &v->places[i],
			&v->places[i].port);
	}
	if (r < 0) {
		tmpview_free(v);
		return r;
	}
	*ret = v;
	return 0;
}

void tmpview_abandon(struct tmpview *v)
{
	struct held *h;

	if (!v)
		return;
	TAILQ_FOREACH (h, &v->held, link) {
		if (!h->over)
			give_up(h);
	}
	pace(v);
}

void tmpview_free(struct tmpview *v)
{
	if (!v)
		return;
	for (size_t i = 0; i < v->config.len; i++)
		fuse_port_free(v->places[i].port);
	watch_free(v->timer);
	free(v);
}
