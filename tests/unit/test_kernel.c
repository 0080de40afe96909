/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel in memory of the fuzz targets (tests/fuzz/kernel.h) against the real one: random calls are made of both, each
 * with descriptors of its own, and must have the same results, the same errors, the same bytes, and leave all descriptors
 * with the same events. What only the one in memory does is tried behind that: its clock, its faults, what ends a run.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/base.h"
#include "base/fd.h"
#include "tests/fuzz/kernel.h"

#define SEQUENCES 2000
#define CALLS 40  /* of a sequence: too few for a buffer to be filled, whose size is a kernel's own affair */
#define SLOTS 24  /* descriptors that a sequence may have */
#define BYTES 600 /* of a transfer at most */
#define PASSED 3  /* descriptors of a message at most */

enum { REAL, MEMORY, KERNELS };

/* Kinds of calls. */
enum {
	PAIR,
	PIPE,
	EVENT,
	TIMER,
	EPOLL,
	FILE_NEW,
	LISTEN,
	CONNECT,
	ACCEPT,
	DUP,
	SEND,
	WRITE,
	RECV,
	READ,
	PASS,
	TAKE,
	SHUTDOWN,
	CLOSE,
	EPOLL_SET,
	EPOLL_LOOK,
	OPTION,
	NAME,
	FLAGS,
	SEEK,
	STAT,
	SET_TIMER,
	CALL_KINDS
};

/* A call, in terms that both kernels understand: slots instead of descriptors. */
struct call {
	unsigned int kind, slot, other, n, bits;
};

struct outcome {
	long result;
	int error;
	long more[4]; /* what else the call has said */
	uint8_t bytes[BYTES];
};

struct rig {
	int fds[SLOTS][KERNELS]; /* -1: free */
	uint64_t random;
};

static unsigned int number(struct rig *rig, unsigned int below)
{
	rig->random ^= rig->random << 13;
	rig->random ^= rig->random >> 7;
	rig->random ^= rig->random << 17;
	return (unsigned int)(rig->random >> 24) % below;
}

/* Puts @fd into the first free slot of @kernel: both kernels have the same ones free. It is closed if there is none. */
static long keep(struct rig *rig, int kernel, int fd)
{
	if (fd < 0)
		return -1;
	for (int i = 0; i < SLOTS; i++) {
		if (rig->fds[i][kernel] < 0) {
			rig->fds[i][kernel] = fd;
			return i;
		}
	}
	close(fd);
	return SLOTS;
}

static int type_of(unsigned int bits)
{
	static const int types[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET };

	return types[bits % 3];
}

/* --- the calls, each of one kernel --- */

static void make_new(struct rig *rig, int kernel, const struct call *c, struct outcome *o)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fds[2] = { -1, -1 }, type = type_of(c->bits) | SOCK_NONBLOCK | SOCK_CLOEXEC;

	switch (c->kind) {
	case PAIR:
		o->result = socketpair(AF_UNIX, type, 0, fds);
		break;
	case PIPE:
		o->result = pipe2(fds, O_NONBLOCK | O_CLOEXEC);
		break;
	case EVENT:
		o->result = fds[0] = eventfd(c->bits % 2, EFD_NONBLOCK | EFD_CLOEXEC);
		break;
	case TIMER:
		o->result = fds[0] = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
		break;
	case EPOLL:
		o->result = fds[0] = epoll_create1(EPOLL_CLOEXEC);
		break;
	case FILE_NEW:
		o->result = fds[0] =
			c->bits % 2 ? open("/dev/null", O_RDWR | O_CLOEXEC) : memfd_create("f", MFD_CLOEXEC);
		break;
	default:
		fds[0] = socket(AF_UNIX, type, 0);
		o->more[0] = bind(fds[0], (struct sockaddr *)&addr, sizeof(sa_family_t));
		o->result = listen(fds[0], (int)(c->n % 3));
		break;
	}
	o->error = o->result < 0 ? errno : 0;
	o->result = o->result < 0 ? -1 : 0;
	o->more[1] = keep(rig, kernel, fds[0]);
	o->more[2] = keep(rig, kernel, fds[1]);
}

static void make_connection(struct rig *rig, int kernel, const struct call *c, struct outcome *o)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	socklen_t len = sizeof(addr);
	int fd;

	if (c->kind == ACCEPT) {
		o->result = fd = accept4(
			rig->fds[c->slot][kernel], (struct sockaddr *)&addr, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
		o->more[0] = fd < 0 ? 0 : len;
	} else if (c->kind == DUP) {
		o->result = fd = fcntl(rig->fds[c->slot][kernel], F_DUPFD_CLOEXEC, 3);
	} else {
		if (getsockname(rig->fds[c->slot][kernel], (struct sockaddr *)&addr, &len) < 0)
			len = sizeof(sa_family_t) + 2; /* a name that nobody has */
		fd = socket(AF_UNIX, type_of(c->bits) | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		o->result = len <= sizeof(sa_family_t) ? 0 : connect(fd, (struct sockaddr *)&addr, len);
	}
	o->error = o->result < 0 ? errno : 0;
	o->result = o->result < 0 ? -1 : 0;
	o->more[1] = keep(rig, kernel, fd);
}

static void make_transfer(const struct rig *rig, int kernel, const struct call *c, struct outcome *o)
{
	int fd = rig->fds[c->slot][kernel], flags = c->bits % 4 == 0 ? MSG_TRUNC : 0;
	uint8_t bytes[BYTES];
	struct iovec iov[2] = { { bytes, c->n / 2 }, { bytes + c->n / 2, c->n - c->n / 2 } };

	memset(bytes, (int)c->bits, sizeof(bytes));
	switch (c->kind) {
	case SEND:
		o->result = send(fd, bytes, c->n, MSG_NOSIGNAL | MSG_DONTWAIT);
		break;
	case WRITE:
		o->result = c->bits % 2 ? write(fd, bytes, c->n) : writev(fd, iov, 2);
		break;
	case RECV:
		o->result = recv(fd, o->bytes, c->n, MSG_DONTWAIT | flags);
		break;
	default:
		iov[0].iov_base = o->bytes;
		iov[1].iov_base = o->bytes + c->n / 2;
		o->result = c->bits % 2 ? read(fd, o->bytes, c->n) : readv(fd, iov, 2);
		break;
	}
	o->error = o->result < 0 ? errno : 0;
}

/* Sends or takes descriptors with a message; for those of a message there is room for fewer at times. */
static void make_pass(struct rig *rig, int kernel, const struct call *c, struct outcome *o)
{
	unsigned int n = c->bits % (PASSED + 1);
	struct iovec iov = { o->bytes, 1 + c->n % 64 };
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(PASSED * sizeof(int))];
	} control = { .bytes = "" };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *h;

	if (n > 0) {
		msg.msg_control = control.bytes;
		msg.msg_controllen = CMSG_SPACE(n * sizeof(int));
		h = CMSG_FIRSTHDR(&msg);
		h->cmsg_level = SOL_SOCKET;
		h->cmsg_type = SCM_RIGHTS;
		h->cmsg_len = CMSG_LEN(n * sizeof(int));
		for (unsigned int i = 0; i < n; i++)
			memcpy(CMSG_DATA(h) + i * sizeof(int), &rig->fds[c->other][kernel], sizeof(int));
	}
	if (c->kind == PASS) {
		o->result = sendmsg(rig->fds[c->slot][kernel], &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
		o->error = o->result < 0 ? errno : 0;
		return;
	}
	o->result = recvmsg(rig->fds[c->slot][kernel], &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	o->error = o->result < 0 ? errno : 0;
	o->more[0] = o->result < 0 ? 0 : msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC);
	h = o->result < 0 ? NULL : CMSG_FIRSTHDR(&msg);
	if (!h)
		return;
	o->more[1] = (long)h->cmsg_len;
	for (size_t i = 0; i < (h->cmsg_len - CMSG_LEN(0)) / sizeof(int); i++) {
		int fd;

		memcpy(&fd, CMSG_DATA(h) + i * sizeof(int), sizeof(fd));
		o->more[2] += fcntl(fd, F_GETFD) == FD_CLOEXEC;
		o->more[3] = 100 * o->more[3] + keep(rig, kernel, fd);
	}
}

static void make_watch(const struct rig *rig, int kernel, const struct call *c, struct outcome *o)
{
	static const int ops[] = { EPOLL_CTL_ADD, EPOLL_CTL_MOD, EPOLL_CTL_DEL };
	struct epoll_event event = { .events = c->n % 8, .data.u32 = c->other }, events[SLOTS * 2];

	if (c->kind == EPOLL_SET) {
		o->result = epoll_ctl(rig->fds[c->slot][kernel], ops[c->bits % 3], rig->fds[c->other][kernel], &event);
		o->error = o->result < 0 ? errno : 0;
		return;
	}
	o->result = epoll_wait(rig->fds[c->slot][kernel], events, SLOTS * 2, 0);
	o->error = o->result < 0 ? errno : 0;
	for (long i = 0; i < o->result; i++) { /* in whatever order */
		o->more[0] += 1000 * events[i].events + events[i].data.u32;
		o->more[1] ^= (long)(events[i].events * (events[i].data.u32 + 1));
	}
}

static void make_other(struct rig *rig, int kernel, const struct call *c, struct outcome *o)
{
	static const int names[] = { SO_TYPE, SO_DOMAIN, SO_ACCEPTCONN, SO_ERROR };
	int fd = rig->fds[c->slot][kernel], value = -1;
	const struct itimerspec when = { .it_value.tv_sec = c->bits % 2 ? 1000 : 0 };
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	socklen_t len = sizeof(value), addr_len = sizeof(addr);
	struct stat st = { .st_mode = 0 };

	switch (c->kind) {
	case SHUTDOWN:
		o->result = shutdown(fd, (int)(c->bits % 3));
		break;
	case CLOSE:
		o->result = close(fd);
		rig->fds[c->slot][kernel] = -1;
		break;
	case OPTION:
		o->result = getsockopt(fd, SOL_SOCKET, names[c->bits % 4], &value, &len);
		o->more[0] = value;
		break;
	case NAME:
		o->result = getpeername(fd, (struct sockaddr *)&addr, &addr_len);
		o->more[0] = o->result < 0 ? 0 : addr_len;
		break;
	case FLAGS:
		o->result = fcntl(fd, F_GETFL) & (O_ACCMODE | O_NONBLOCK | O_APPEND);
		break;
	case SEEK:
		o->result = c->bits % 2 ? lseek(fd, (off_t)c->n, SEEK_SET) : ftruncate(fd, (off_t)c->n);
		break;
	case STAT:
		o->result = fstat(fd, &st);
		o->more[0] = st.st_mode & S_IFMT;
		o->more[1] = S_ISREG(st.st_mode) ? (long)st.st_size : 0;
		o->more[2] = (long)st.st_rdev;
		break;
	default:
		o->result = timerfd_settime(fd, 0, &when, NULL);
		break;
	}
	o->error = o->result < 0 ? errno : 0;
}

static void make(struct rig *rig, int kernel, const struct call *c, struct outcome *o)
{
	kernel_use(kernel == MEMORY);
	errno = 0;
	memset(o, 0, sizeof(*o));
	if (c->kind <= LISTEN)
		make_new(rig, kernel, c, o);
	else if (c->kind <= DUP)
		make_connection(rig, kernel, c, o);
	else if (c->kind <= READ)
		make_transfer(rig, kernel, c, o);
	else if (c->kind <= TAKE)
		make_pass(rig, kernel, c, o);
	else if (c->kind == EPOLL_SET || c->kind == EPOLL_LOOK)
		make_watch(rig, kernel, c, o);
	else
		make_other(rig, kernel, c, o);
}

/* --- what may be called --- */

/* What the descriptor in @slot is, from the real kernel: the two are compared elsewhere. */
static mode_t mode_of(const struct rig *rig, unsigned int slot)
{
	struct stat st = { .st_mode = 0 };

	if (rig->fds[slot][REAL] >= 0)
		assert_int_equal(fstat(rig->fds[slot][REAL], &st), 0);
	return st.st_mode & S_IFMT;
}

/* What a descriptor that is no file, socket or pipe is: the word in its link. */
static bool is_anonymous(const struct rig *rig, unsigned int slot, const char *word)
{
	char path[64], link[64] = "";

	if (rig->fds[slot][REAL] < 0)
		return false;
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", rig->fds[slot][REAL]);
	return readlink(path, link, sizeof(link) - 1) > 0 && strstr(link, word);
}

/*
 * Whether the descriptor in @slot is no socket of datagrams, or one that is connected. Others have no order of their errors
 * that all versions of Linux agree on.
 */
static bool is_in_order(const struct rig *rig, unsigned int slot)
{
	struct sockaddr_un addr;
	socklen_t len = sizeof(int), addr_len = sizeof(addr);
	int type = 0, fd = rig->fds[slot][REAL];

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) < 0 || type != SOCK_DGRAM ||
	       getpeername(fd, (struct sockaddr *)&addr, &addr_len) == 0;
}

/* Whether the kernel in memory has call @c at all: a product that makes another one would end the run. */
static bool is_possible(const struct rig *rig, const struct call *c)
{
	mode_t mode = mode_of(rig, c->slot);

	if (c->kind <= LISTEN)
		return true;
	if (rig->fds[c->slot][REAL] < 0)
		return false;
	switch (c->kind) {
	case SEND:
	case PASS:
		return mode == S_IFSOCK && rig->fds[c->other][REAL] >= 0 && is_in_order(rig, c->slot);
	case CONNECT:
	case ACCEPT:
	case RECV:
	case TAKE:
	case SHUTDOWN:
	case OPTION:
	case NAME:
		return mode == S_IFSOCK && rig->fds[c->other][REAL] >= 0;
	case SEEK:
		return mode == S_IFREG;
	case SET_TIMER:
		return is_anonymous(rig, c->slot, "timerfd");
	case EPOLL_SET:
		return is_anonymous(rig, c->slot, "eventpoll") && rig->fds[c->other][REAL] >= 0 &&
		       !is_anonymous(rig, c->other, "eventpoll");
	case EPOLL_LOOK:
		return is_anonymous(rig, c->slot, "eventpoll");
	case READ:
		return !is_anonymous(rig, c->slot, "eventpoll");
	case WRITE:
		return !is_anonymous(rig, c->slot, "eventpoll") && !is_anonymous(rig, c->slot, "timerfd") &&
		       is_in_order(rig, c->slot);
	default:
		return true;
	}
}

/* --- the comparison --- */

/* The events of all descriptors, and how many bytes can be read of those that say. */
static void look(const struct rig *rig, int kernel, short events[SLOTS], int unread[SLOTS])
{
	for (int i = 0; i < SLOTS; i++) {
		struct pollfd p = { .fd = rig->fds[i][kernel],
			.events = POLLIN | POLLOUT | POLLRDHUP | POLLRDNORM | POLLWRNORM };

		events[i] = 0;
		unread[i] = -1;
		if (p.fd < 0)
			continue;
		(void)poll(&p, 1, 0);
		events[i] = p.revents;
		if (ioctl(p.fd, FIONREAD, &unread[i]) < 0)
			unread[i] = -1; /* the error that says so differs from version to version */
		else
			unread[i] = MAX(unread[i], 0); /* of a file whose end is behind it, Linux says how far */
	}
}

static void compare(const struct rig *rig, const struct call *c, const struct outcome o[KERNELS], int sequence, int at)
{
	short events[KERNELS][SLOTS];
	int unread[KERNELS][SLOTS];
	socklen_t len = sizeof(int);
	char where[128];
	int type = 0;

	(void)getsockopt(rig->fds[c->slot][REAL], SOL_SOCKET, SO_TYPE, &type, &len);
	(void)snprintf(where, sizeof(where), "sequence %d, call %d of kind %u, slot %u, socket of type %d", sequence,
		at, c->kind, c->slot, type);
	if (o[REAL].result != o[MEMORY].result || o[REAL].error != o[MEMORY].error ||
		memcmp(o[REAL].more, o[MEMORY].more, sizeof(o->more)) != 0)
		fail_msg("%s: the kernel says %ld (%s) %ld %ld %ld %ld, the one in memory %ld (%s) %ld %ld %ld %ld",
			where, o[REAL].result, strerror(o[REAL].error), o[REAL].more[0], o[REAL].more[1],
			o[REAL].more[2], o[REAL].more[3], o[MEMORY].result, strerror(o[MEMORY].error),
			o[MEMORY].more[0], o[MEMORY].more[1], o[MEMORY].more[2], o[MEMORY].more[3]);
	if (memcmp(o[REAL].bytes, o[MEMORY].bytes, sizeof(o->bytes)) != 0)
		fail_msg("%s: other bytes are read", where);
	for (int kernel = 0; kernel < KERNELS; kernel++)
		look(rig, kernel, events[kernel], unread[kernel]);
	for (int i = 0; i < SLOTS; i++) {
		if (events[REAL][i] != events[MEMORY][i] || unread[REAL][i] != unread[MEMORY][i])
			fail_msg("%s: then slot %d has events %#x and %d bytes, in memory %#x and %d", where, i,
				(unsigned int)events[REAL][i], unread[REAL][i], (unsigned int)events[MEMORY][i],
				unread[MEMORY][i]);
	}
}

static void calls_have_the_kernels_results(void **state unused)
{
	struct rig rig = { .random = 0x9e3779b97f4a7c15ull };
	unsigned int made[CALL_KINDS] = { 0 };
	struct outcome o[KERNELS];

	(void)signal(SIGPIPE, SIG_IGN);
	for (int sequence = 0; sequence < SEQUENCES; sequence++) {
		memset(rig.fds, -1, sizeof(rig.fds));
		kernel_begin();
		for (int at = 0; at < CALLS; at++) {
			struct call c = { .kind = number(&rig, at < 4 ? LISTEN + 1 : CALL_KINDS) };

			do {
				c.slot = number(&rig, SLOTS);
				c.other = number(&rig, SLOTS);
			} while (c.kind > LISTEN && number(&rig, 64) && !is_possible(&rig, &c));
			if (!is_possible(&rig, &c))
				continue;
			c.n = 1 + number(&rig, BYTES);
			c.bits = number(&rig, 256);
			if (c.kind == WRITE &&
				mode_of(&rig, c.slot) == 0) { /* an eventfd: versions differ in all else */
				c.bits |= 1;
				c.n = sizeof(uint64_t);
			}
			made[c.kind]++;
			for (int kernel = 0; kernel < KERNELS; kernel++)
				make(&rig, kernel, &c, &o[kernel]);
			compare(&rig, &c, o, sequence, at);
		}
		for (int i = 0; i < SLOTS; i++) {
			for (int kernel = 0; kernel < KERNELS; kernel++)
				fd_close(rig.fds[i][kernel]);
		}
		kernel_end();
	}
	for (int kind = 0; kind < CALL_KINDS; kind++)
		assert_true(made[kind] > SEQUENCES / 100);
}

/* Writes to @fd until nothing more is taken; what poll(2) says then: how many bytes were taken. */
static size_t fill(int fd, short *ret_events)
{
	static const uint8_t bytes[1000];
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	size_t total = 0;
	ssize_t n;

	while ((n = write(fd, bytes, sizeof(bytes))) > 0)
		total += (size_t)n;
	assert_int_equal(errno, EAGAIN);
	(void)poll(&p, 1, 0);
	*ret_events = p.revents;
	return total;
}

/* A buffer has an end, about where the kernel's is, and room again when it has been read. */
static void buffers_have_the_kernels_size(void **state unused)
{
	size_t taken[KERNELS][4];

	kernel_begin();
	for (int kernel = 0; kernel < KERNELS; kernel++) {
		kernel_use(kernel == MEMORY);
		for (unsigned int i = 0; i < 4; i++) {
			static uint8_t bytes[1000000];
			struct pollfd p = { .events = POLLOUT };
			short events;
			int fds[2];

			if (i == 3) {
				assert_int_equal(pipe2(fds, O_NONBLOCK | O_CLOEXEC), 0);
				p.fd = fds[0];
				fds[0] = fds[1];
				fds[1] = p.fd;
			} else {
				assert_int_equal(
					socketpair(AF_UNIX, type_of(i) | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
			}
			taken[kernel][i] = fill(fds[0], &events);
			assert_int_equal(events, 0);
			while (read(fds[1], bytes, sizeof(bytes)) > 0)
				;
			p.fd = fds[0];
			assert_int_equal(poll(&p, 1, 0), 1);
			close(fds[0]);
			close(fds[1]);
		}
	}
	kernel_end();
	for (unsigned int i = 0; i < 4; i++)
		assert_in_range(taken[MEMORY][i], taken[REAL][i] / 2, taken[REAL][i] * 2);
	assert_int_equal(taken[MEMORY][3], taken[REAL][3]);
}

/* Nobody waits for a timer: its time comes when there is nothing else. */
static void time_goes_on_by_itself(void **state unused)
{
	const struct itimerspec hours = { .it_value.tv_sec = 36000 };
	struct epoll_event event = { .events = EPOLLIN, .data.u32 = 7 };
	uint64_t ticks = 0;
	int timer, epoll;

	kernel_begin();
	timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	epoll = epoll_create1(EPOLL_CLOEXEC);
	assert_int_equal(epoll_ctl(epoll, EPOLL_CTL_ADD, timer, &event), 0);
	assert_int_equal(timerfd_settime(timer, 0, &hours, NULL), 0);
	assert_int_equal(epoll_wait(epoll, &event, 1, 0), 0);
	assert_int_equal(epoll_wait(epoll, &event, 1, -1), 1);
	assert_int_equal(event.data.u32, 7);
	assert_int_equal(read(timer, &ticks, sizeof(ticks)), sizeof(ticks));
	assert_int_equal(ticks, 1);
	assert_int_equal(read(timer, &ticks, sizeof(ticks)), -1);
	close(timer);
	close(epoll);
	kernel_end();
}

/* An input asks for faults in its last bytes, which it then has not. */
static void faults_come_when_asked_for(void **state unused)
{
	static const uint8_t data[] = { 'x', 1 | 2 | 4 | 8, 0, 1, 5, 0xfa, 0x17 };
	struct input in = { data, data + sizeof(data) };
	unsigned int shorts = 0, agains = 0, intrs = 0;
	uint8_t bytes[64] = { 0 };
	int fds[2], fd;

	kernel_begin();
	kernel_take_faults(&in);
	assert_int_equal(in.end - in.at, 1);
	assert_true(kernel_faulty());
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
	kernel_faults(true);
	fd = dup(fds[0]);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(dup(fds[0]), -1); /* the second, and only that */
	assert_int_equal(errno, EMFILE);
	fd = dup(fds[0]);
	assert_true(fd >= 0);
	close(fd);
	for (int i = 0; i < 100; i++) {
		ssize_t n = write(fds[0], bytes, sizeof(bytes));

		shorts += n > 0 && n < (ssize_t)sizeof(bytes);
		agains += n < 0 && errno == EAGAIN;
		intrs += n < 0 && errno == EINTR;
	}
	assert_true(shorts > 0 && agains > 0 && intrs > 0);
	kernel_faults(false);
	assert_int_equal(write(fds[0], bytes, sizeof(bytes)), sizeof(bytes));
	close(fds[0]);
	close(fds[1]);
	kernel_end();
	in = (struct input){ data, data + 4 };
	kernel_begin();
	kernel_take_faults(&in);
	assert_int_equal(in.end - in.at, 4);
	assert_false(kernel_faulty());
	kernel_end();
}

static void close_twice(void)
{
	int fd = eventfd(0, EFD_CLOEXEC);

	close(fd);
	close(fd);
}

static void leave_open(void)
{
	(void)!eventfd(0, EFD_CLOEXEC);
	kernel_end();
}

static void wait_for_ever(void)
{
	uint64_t count;

	(void)!read(eventfd(0, EFD_CLOEXEC), &count, sizeof(count));
}

/* What a product must not do ends the run. */
static void mistakes_end_the_run(void **state unused)
{
	static void (*const mistakes[])(void) = { close_twice, leave_open, wait_for_ever };

	for (size_t i = 0; i < ARRAY_LEN(mistakes); i++) {
		pid_t pid = fork();
		int status;

		assert_true(pid >= 0);
		if (pid == 0) {
			(void)signal(SIGABRT, SIG_DFL); /* not cmocka's */
			fclose(stderr);
			kernel_begin();
			mistakes[i]();
			_exit(0);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(calls_have_the_kernels_results),
		cmocka_unit_test(buffers_have_the_kernels_size),
		cmocka_unit_test(time_goes_on_by_itself),
		cmocka_unit_test(faults_come_when_asked_for),
		cmocka_unit_test(mistakes_end_the_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
