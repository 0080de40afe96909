/* SPDX-License-Identifier: Apache-2.0 */
/* What is no socket of the kernel in memory (kernel.h): eventfds, timers, epoll instances, pipes, files. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "base/base.h"
#include "tests/fuzz/kernel.h"
#include "tests/fuzz/kernel_object.h"

#define PAGE 4096u
#define PIPE_SLOTS 16u /* of a pipe: 64 KiB */
#define MEM_FIRST 4096u

/* --- eventfd --- */

static ssize_t event_read(struct kernel_file *f, struct kernel_io *io)
{
	if (io->total < sizeof(uint64_t))
		return -EINVAL;
	if (f->u.count == 0)
		return -EAGAIN;
	kernel_io_put(io, 0, &f->u.count, sizeof(uint64_t));
	f->u.count = 0;
	return sizeof(uint64_t);
}

static ssize_t event_write(struct kernel_file *f, struct kernel_io *io)
{
	uint64_t more;

	if (io->total < sizeof(more))
		return -EINVAL;
	kernel_io_get(io, 0, &more, sizeof(more));
	if (more == UINT64_MAX)
		return -EINVAL;
	if (UINT64_MAX - f->u.count <= more)
		return -EAGAIN;
	f->u.count += more;
	return sizeof(more);
}

static uint32_t event_poll(const struct kernel_file *f)
{
	return (f->u.count > 0 ? EPOLLIN : 0) | (f->u.count < UINT64_MAX - 1 ? EPOLLOUT : 0);
}

const struct kernel_ops kernel_event_ops = {
	.mode = 0600,
	.read = event_read,
	.write = event_write,
	.poll = event_poll,
};

/* --- timerfd: of one shot --- */

static bool timer_is_due(const struct kernel_file *f)
{
	return f->u.due_ns != 0 && f->u.due_ns <= kernel_now_ns;
}

static ssize_t timer_read(struct kernel_file *f, struct kernel_io *io)
{
	const uint64_t ticks = 1;

	if (io->total < sizeof(ticks))
		return -EINVAL;
	if (!timer_is_due(f))
		return -EAGAIN;
	f->u.due_ns = 0;
	kernel_io_put(io, 0, &ticks, sizeof(ticks));
	return sizeof(ticks);
}

static uint32_t timer_poll(const struct kernel_file *f)
{
	return timer_is_due(f) ? EPOLLIN : 0;
}

const struct kernel_ops kernel_timer_ops = { .mode = 0600, .read = timer_read, .poll = timer_poll };

/* --- epoll --- */

static void item_free(struct kernel_item *item)
{
	TAILQ_REMOVE(&item->epoll->u.epoll, item, link);
	LIST_REMOVE(item, of_file);
	kernel_free(item, sizeof(*item));
}

static void epoll_release(struct kernel_file *f)
{
	while (!TAILQ_EMPTY(&f->u.epoll))
		item_free(TAILQ_FIRST(&f->u.epoll));
}

void kernel_epoll_forget(struct kernel_file *f)
{
	while (!LIST_EMPTY(&f->items))
		item_free(LIST_FIRST(&f->items));
}

static uint32_t item_events(const struct kernel_item *item)
{
	return item->file->ops->poll(item->file) & (item->event.events | EPOLLERR | EPOLLHUP);
}

static uint32_t epoll_poll(const struct kernel_file *f)
{
	const struct kernel_item *item;

	TAILQ_FOREACH (item, &f->u.epoll, link) {
		if (item_events(item))
			return EPOLLIN | EPOLLRDNORM;
	}
	return 0;
}

int kernel_epoll_ctl(
	struct kernel_file *epoll, int op, int fd, struct kernel_file *file, const struct epoll_event *event)
{
	struct kernel_item *item;

	if (!file->ops->poll)
		return -EPERM;
	if (epoll->ops != &kernel_epoll_ops || file == epoll)
		return -EINVAL;
	LIST_FOREACH (item, &file->items, of_file) {
		if (item->epoll == epoll && item->fd == fd)
			break;
	}
	if (op == EPOLL_CTL_ADD ? item != NULL : item == NULL)
		return item ? -EEXIST : -ENOENT;
	if (op == EPOLL_CTL_DEL) {
		item_free(item);
		return 0;
	}
	require(!(event->events & (EPOLLET | EPOLLONESHOT)), "the kernel in memory has levels only");
	if (op == EPOLL_CTL_ADD) {
		item = kernel_alloc(sizeof(*item));
		*item = (struct kernel_item){ .epoll = epoll, .file = file, .fd = fd };
		TAILQ_INSERT_TAIL(&epoll->u.epoll, item, link);
		LIST_INSERT_HEAD(&file->items, item, of_file);
	}
	item->event = *event;
	return 0;
}

int kernel_epoll_events(struct kernel_file *epoll, struct epoll_event *events, int max)
{
	struct kernel_item *item = TAILQ_FIRST(&epoll->u.epoll), *last = TAILQ_LAST(&epoll->u.epoll, kernel_items),
			   *next;
	bool more = item != NULL;
	int n = 0;

	for (; more && n < max; item = next) {
		uint32_t ready = item_events(item);

		more = item != last;
		next = TAILQ_NEXT(item, link);
		if (!ready)
			continue;
		events[n++] = (struct epoll_event){ .events = ready, .data = item->event.data };
		TAILQ_REMOVE(&epoll->u.epoll, item, link);
		TAILQ_INSERT_TAIL(&epoll->u.epoll, item, link);
	}
	return n;
}

const struct kernel_ops kernel_epoll_ops = { .mode = 0600, .poll = epoll_poll, .release = epoll_release };

/* --- pipes --- */

struct slot {
	TAILQ_ENTRY(slot) link;
	size_t at, len; /* what is there to read begins at @at, and ends at @len */
	uint8_t data[PAGE];
};

struct kernel_pipe {
	unsigned int readers, writers;
	size_t slots_len, slots_max;
	TAILQ_HEAD(slots, slot) slots;
};

static bool reads(const struct kernel_file *f)
{
	return (f->flags & O_ACCMODE) != O_WRONLY;
}

static bool writes(const struct kernel_file *f)
{
	return (f->flags & O_ACCMODE) != O_RDONLY;
}

static ssize_t pipe_read(struct kernel_file *f, struct kernel_io *io)
{
	struct kernel_pipe *p = f->u.pipe;
	size_t done = 0, want = MIN(io->total, io->max);
	struct slot *s;

	if (want == 0)
		return 0;
	while (done < want && (s = TAILQ_FIRST(&p->slots)) != NULL) {
		size_t n = MIN(want - done, s->len - s->at);

		kernel_io_put(io, done, s->data + s->at, n);
		done += n;
		s->at += n;
		if (s->at < s->len)
			break;
		TAILQ_REMOVE(&p->slots, s, link);
		kernel_free(s, sizeof(*s));
		p->slots_len--;
	}
	if (done > 0)
		return (ssize_t)done;
	return p->writers ? -EAGAIN : 0;
}

/* Adds to the last page what goes into it whole, and fills others with the rest. */
static ssize_t pipe_write(struct kernel_file *f, struct kernel_io *io)
{
	struct kernel_pipe *p = f->u.pipe;
	struct slot *last = TAILQ_LAST(&p->slots, slots);
	size_t done = 0, want = MIN(io->total, io->max), odd = want % PAGE;

	if (want == 0)
		return 0;
	if (!p->readers)
		return -EPIPE;
	if (odd > 0 && last && last->len + odd <= PAGE) {
		kernel_io_get(io, 0, last->data + last->len, odd);
		last->len += odd;
		done = odd;
	}
	while (done < want && p->slots_len < p->slots_max) {
		struct slot *s = kernel_alloc(sizeof(*s));

		s->at = 0;
		s->len = MIN(want - done, (size_t)PAGE);
		kernel_io_get(io, done, s->data, s->len);
		TAILQ_INSERT_TAIL(&p->slots, s, link);
		p->slots_len++;
		done += s->len;
	}
	return done > 0 ? (ssize_t)done : -EAGAIN;
}

static uint32_t pipe_poll(const struct kernel_file *f)
{
	const struct kernel_pipe *p = f->u.pipe;
	uint32_t events = 0;

	if (reads(f))
		events |= (p->slots_len ? EPOLLIN | EPOLLRDNORM : 0) | (p->writers ? 0 : EPOLLHUP);
	if (writes(f))
		events |= (p->slots_len < p->slots_max ? EPOLLOUT | EPOLLWRNORM : 0) | (p->readers ? 0 : EPOLLERR);
	return events;
}

static ssize_t pipe_unread(const struct kernel_file *f)
{
	const struct slot *s;
	size_t n = 0;

	TAILQ_FOREACH (s, &f->u.pipe->slots, link)
		n += s->len - s->at;
	return (ssize_t)n;
}

static void pipe_release(struct kernel_file *f)
{
	f->u.pipe->readers -= reads(f);
	f->u.pipe->writers -= writes(f);
}

static const struct kernel_ops pipe_ops = {
	.mode = S_IFIFO | 0600,
	.read = pipe_read,
	.write = pipe_write,
	.poll = pipe_poll,
	.unread = pipe_unread,
	.release = pipe_release,
	.is_stream = true,
};

/* One more file of @p: a descriptor of it, or -errno. */
static int pipe_open(struct kernel_pipe *p, int flags, ino_t ino)
{
	struct kernel_file *f;
	int fd = kernel_file_new(&pipe_ops, flags, &f);

	if (fd < 0)
		return fd;
	f->u.pipe = p;
	f->ino = ino ? ino : f->ino;
	p->readers += reads(f);
	p->writers += writes(f);
	return fd;
}

int kernel_pipe(int fds[2], int flags)
{
	struct kernel_pipe *p = kernel_alloc(sizeof(*p));
	int first, second;

	*p = (struct kernel_pipe){ .slots_max = PIPE_SLOTS };
	TAILQ_INIT(&p->slots);
	first = pipe_open(p, flags | O_RDONLY, 0);
	if (first < 0)
		return first;
	second = pipe_open(p, flags | O_WRONLY, kernel_file_of(first)->ino);
	if (second < 0) {
		kernel_fd_close(first);
		return second;
	}
	fds[0] = first;
	fds[1] = second;
	return 0;
}

int kernel_pipe_size(struct kernel_file *f, int size)
{
	size_t slots = 1;

	if (f->ops != &pipe_ops)
		return -EBADF;
	while (slots * PAGE < (size_t)size)
		slots *= 2;
	if (size > 0 && f->u.pipe->slots_len > slots)
		return -EBUSY;
	if (size > 0)
		f->u.pipe->slots_max = slots;
	return (int)(f->u.pipe->slots_max * PAGE);
}

/* --- files --- */

struct kernel_data {
	uint8_t *bytes;
	size_t size, room;
};

static ssize_t mem_read(struct kernel_file *f, struct kernel_io *io)
{
	const struct kernel_data *d = f->u.mem.data;
	size_t at = MIN(f->u.mem.at, d->size), n = MIN(MIN(io->total, io->max), d->size - at);

	if (n > 0)
		kernel_io_put(io, 0, d->bytes + at, n);
	f->u.mem.at += n;
	return (ssize_t)n;
}

/* Makes the file of @d have @size bytes, new ones being zeros. */
static void mem_resize(struct kernel_data *d, size_t size)
{
	size_t room = d->room ? d->room : MEM_FIRST;

	while (room < size)
		room *= 2;
	if (room > d->room) {
		uint8_t *bytes = kernel_alloc(room);

		if (d->size > 0)
			memcpy(bytes, d->bytes, d->size);
		if (d->room > 0)
			kernel_free(d->bytes, d->room);
		d->bytes = bytes;
		d->room = room;
	}
	if (size > d->size)
		memset(d->bytes + d->size, 0, size - d->size);
	d->size = size;
}

static ssize_t mem_write(struct kernel_file *f, struct kernel_io *io)
{
	struct kernel_data *d = f->u.mem.data;
	size_t n = MIN(io->total, io->max);

	if (f->flags & O_APPEND)
		f->u.mem.at = d->size;
	if (n == 0)
		return 0;
	if (f->u.mem.at + n > d->size)
		mem_resize(d, f->u.mem.at + n);
	kernel_io_get(io, 0, d->bytes + f->u.mem.at, n);
	f->u.mem.at += n;
	return (ssize_t)n;
}

static ssize_t mem_unread(const struct kernel_file *f)
{
	return (ssize_t)(f->u.mem.data->size - MIN(f->u.mem.at, f->u.mem.data->size));
}

const struct kernel_ops kernel_mem_ops = {
	.mode = S_IFREG | 0777,
	.read = mem_read,
	.write = mem_write,
	.unread = mem_unread,
	.is_stream = true,
};

int kernel_memfd(int flags)
{
	struct kernel_file *f;
	int fd = kernel_file_new(&kernel_mem_ops, O_RDWR | flags, &f);

	if (fd >= 0) {
		f->u.mem.data = kernel_alloc(sizeof(*f->u.mem.data));
		*f->u.mem.data = (struct kernel_data){ .size = 0 };
	}
	return fd;
}

size_t kernel_size(const struct kernel_file *f)
{
	return f->ops == &kernel_mem_ops ? f->u.mem.data->size : 0;
}

int kernel_truncate(struct kernel_file *f, size_t size)
{
	if (f->ops != &kernel_mem_ops)
		return -EINVAL;
	mem_resize(f->u.mem.data, size);
	return 0;
}

ssize_t kernel_seek(struct kernel_file *f, ssize_t at, int whence)
{
	if (f->ops != &kernel_mem_ops)
		return -ESPIPE;
	if (whence != SEEK_SET)
		at += (ssize_t)(whence == SEEK_CUR ? f->u.mem.at : f->u.mem.data->size);
	if (at < 0)
		return -EINVAL;
	f->u.mem.at = (size_t)at;
	return at;
}

static ssize_t null_read(struct kernel_file *f unused, struct kernel_io *io unused)
{
	return 0;
}

static ssize_t null_write(struct kernel_file *f unused, struct kernel_io *io)
{
	return (ssize_t)io->total;
}

const struct kernel_ops kernel_null_ops = { .mode = S_IFCHR | 0666, .read = null_read, .write = null_write };

/* /proc/self/fd, and directories with names of sockets. */
const struct kernel_ops kernel_proc_ops = { .mode = S_IFDIR | 0500 };
const struct kernel_ops kernel_dir_ops = { .mode = S_IFDIR | 0755 };

int kernel_reopen(struct kernel_file *f, int flags)
{
	struct kernel_file *again;
	int fd;

	if (f->ops == &pipe_ops)
		return pipe_open(f->u.pipe, flags, f->ino);
	if (S_ISSOCK(f->ops->mode) || !S_ISREG(f->ops->mode))
		return -ENXIO;
	fd = kernel_file_new(f->ops, flags, &again);
	if (fd >= 0) {
		again->u.mem.data = f->u.mem.data;
		again->u.mem.at = 0;
		again->ino = f->ino;
	}
	return fd;
}
