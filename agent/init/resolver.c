/* SPDX-License-Identifier: Apache-2.0 */
/* Resolvers on a loopback address of the host's: see resolver.h. */
#include "init/resolver.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/loop.h"
#include "init/relay.h"
#include "sys/log.h"

#define DNS_PORT 53
#define DNS_HEADER 12
#define DNS_UDP_BYTES 512     /* RFC 1035 4.2.1: what everybody takes */
#define DNS_QUESTION_MAX 4096 /* bytes of one by UDP; longer ones nobody sends */
#define DNS_ANSWER_MAX 65535
#define DNS_TYPE_OPT 41
#define AT_ONCE 16 /* questions that are taken before the loop goes on */

/* A question by UDP that waits for its answer. */
struct question {
	TAILQ_ENTRY(question) link;
	struct resolver *resolver;
	int fd; /* of a pair, whose other end is the link's */
	struct watch *watch;
	struct sockaddr_in asker;
	uint8_t *asked, *answer; /* owned; the answer has its length in front */
	size_t asked_len, answer_len;
};

struct resolver {
	LIST_ENTRY(resolver) link;
	struct agent *agent;
	uint32_t owner, address, relay;
	int fd; /* UDP */
	struct watch *watch;
	TAILQ_HEAD(questions, question) questions; /* the oldest first */
};

/* --- what is in a message (RFC 1035 4.1, RFC 6891 6.1.2) --- */

/* The length of the header and the one question of a message, or 0 if it is none such. */
static size_t question_end(const uint8_t *m, size_t len)
{
	size_t at = DNS_HEADER;

	if (len < DNS_HEADER || m[4] != 0 || m[5] != 1)
		return 0;
	while (at < len && m[at] != 0) {
		if (m[at] > 63) /* a pointer, to where nothing stands yet */
			return 0;
		at += m[at] + 1u;
	}
	at += 1 + 4; /* the root's label, type and class */
	return at <= len ? at : 0;
}

/* How many bytes of an answer by UDP the asker takes. */
static size_t bytes_taken(const uint8_t *m, size_t len)
{
	size_t at = question_end(m, len), said = DNS_UDP_BYTES;

	/* an OPT record right behind the question, as resolvers of programs send it */
	if (at && at + 11 <= len && m[7] == 0 && m[9] == 0 && m[at] == 0 && m[at + 1] == 0 && m[at + 2] == DNS_TYPE_OPT)
		said = (size_t)m[at + 3] << 8 | m[at + 4];
	return MAX(said, (size_t)DNS_UDP_BYTES);
}

size_t resolver_cut(const uint8_t *question, size_t question_len, uint8_t *answer, size_t len)
{
	size_t end = question_end(answer, len);

	if (len <= bytes_taken(question, question_len))
		return len;
	answer[2] |= 0x02;                     /* TC: there is more */
	memset(answer + 6, 0, DNS_HEADER - 6); /* no records */
	if (!end || end > DNS_UDP_BYTES)
		answer[4] = answer[5] = 0;
	return end && end <= DNS_UDP_BYTES ? end : DNS_HEADER;
}

/* --- questions --- */

static void question_free(struct question *q)
{
	struct resolver *r = q->resolver;

	TAILQ_REMOVE(&r->questions, q, link);
	r->agent->questions_len--;
	watch_free(q->watch);
	fd_close(q->fd);
	free(q->asked);
	free(q->answer);
	free(q);
}

/* The bytes of the answer with its length, as far as that is known. */
static size_t answer_whole(const struct question *q)
{
	return q->answer_len < 2 ? 2 : 2 + ((size_t)q->answer[0] << 8 | q->answer[1]);
}

/* The loop's callback: reads what has come of the answer, and gives it to the asker when it is whole. */
static void question_on_answer(void *arg, uint32_t events unused)
{
	struct question *q = arg;
	ssize_t n = read(q->fd, q->answer + q->answer_len, answer_whole(q) - q->answer_len);
	size_t len;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) { /* the host's resolver does not answer: the asker learns it by its own clock */
		question_free(q);
		return;
	}
	q->answer_len += (size_t)n;
	if (q->answer_len < 2 || q->answer_len < answer_whole(q))
		return;
	len = q->answer_len - 2;
	if (len >= DNS_HEADER) {
		len = resolver_cut(q->asked, q->asked_len, q->answer + 2, len);
		(void)sendto(q->resolver->fd, q->answer + 2, len, MSG_DONTWAIT | MSG_NOSIGNAL,
			(const struct sockaddr *)&q->asker, sizeof(q->asker)); /* as any datagram it may be lost */
	}
	question_free(q);
}

/* Has the question @asked, which has room for its length in front, dialled. 0 or -errno. */
static int question_dial(struct question *q, const uint8_t *asked, size_t len)
{
	struct resolver *r = q->resolver;
	int ends[2], e;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) < 0)
		return -errno;
	q->fd = ends[0];
	e = write(q->fd, asked, len) == (ssize_t)len ? 0 : -EIO; /* it is shorter than an empty socket has room for */
	if (e == 0)
		e = watch_new(r->agent->loop, q->fd, EPOLLIN, question_on_answer, q, &q->watch);
	if (e < 0) {
		fd_close(ends[1]);
		return e;
	}
	return relay_dial(r->agent, r->owner, r->relay, ends[1]);
}

/* Takes one question. False: none waits. */
static bool take_question(struct resolver *r)
{
	uint8_t buf[2 + DNS_QUESTION_MAX];
	struct sockaddr_in asker;
	socklen_t asker_len = sizeof(asker);
	ssize_t n = recvfrom(r->fd, buf + 2, DNS_QUESTION_MAX, MSG_DONTWAIT, (struct sockaddr *)&asker, &asker_len);
	struct question *q;

	if (n < 0)
		return false;
	if (n < DNS_HEADER)
		return true;
	if (r->agent->questions_len >= RESOLVER_QUESTIONS_MAX && !TAILQ_EMPTY(&r->questions))
		question_free(TAILQ_FIRST(&r->questions));
	q = calloc(1, sizeof(*q));
	if (!q)
		return true;
	*q = (struct question){ .resolver = r, .fd = -1, .asker = asker, .asked_len = (size_t)n };
	TAILQ_INSERT_TAIL(&r->questions, q, link);
	r->agent->questions_len++;
	buf[0] = (uint8_t)(n >> 8);
	buf[1] = (uint8_t)n;
	q->asked = malloc((size_t)n);
	q->answer = malloc(2 + DNS_ANSWER_MAX);
	if (q->asked)
		memcpy(q->asked, buf + 2, (size_t)n);
	if (!q->asked || !q->answer || question_dial(q, buf, 2 + (size_t)n) < 0)
		question_free(q); /* the asker asks again */
	return true;
}

static void on_questions(void *arg, uint32_t events unused)
{
	for (int i = 0; i < AT_ONCE && take_question(arg); i++)
		;
}

/* --- resolvers --- */

static void resolver_free(struct resolver *r)
{
	while (!TAILQ_EMPTY(&r->questions))
		question_free(TAILQ_FIRST(&r->questions));
	watch_free(r->watch);
	fd_close(r->fd);
	LIST_REMOVE(r, link);
	free(r);
}

/* A socket of @type at port 53 of @address: the descriptor or -errno. */
static int bind_at(int type, uint32_t address)
{
	const struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(DNS_PORT), .sin_addr = { address } };
	autoclose int fd = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	const int on = 1;

	if (fd < 0)
		return -errno;
	(void)setsockopt(
		fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)); /* after a restart; without it bind(2) says so */
	return bind(fd, (const struct sockaddr *)&at, sizeof(at)) < 0 ? -errno : steal_fd(&fd);
}

/* Listens at one address. 0 or -errno. */
static int resolver_new(struct agent *agent, uint32_t owner, const struct guest_resolver *from)
{
	struct resolver *r = calloc(1, sizeof(*r));
	int tcp, e = -ENOMEM;

	if (!r)
		return e;
	*r = (struct resolver){ .agent = agent, .owner = owner, .address = from->address, .relay = from->relay };
	TAILQ_INIT(&r->questions);
	LIST_INSERT_HEAD(&agent->resolvers, r, link);
	e = r->fd = bind_at(SOCK_DGRAM, from->address);
	if (e >= 0)
		e = watch_new(agent->loop, r->fd, EPOLLIN, on_questions, r, &r->watch);
	if (e >= 0)
		e = tcp = bind_at(SOCK_STREAM, from->address);
	if (e >= 0)
		e = relay_listen_inet(agent, owner, from->relay, tcp);
	if (e < 0)
		resolver_free(r);
	return e;
}

static bool has(const struct guest_resolvers *list, uint32_t address)
{
	for (uint32_t i = 0; i < list->len; i++) {
		if (list->at[i].address == address)
			return true;
	}
	return false;
}

static const struct resolver *resolver_find(const struct agent *agent, uint32_t owner, uint32_t address)
{
	const struct resolver *r;

	LIST_FOREACH (r, &agent->resolvers, link) {
		if (r->owner == owner && r->address == address)
			return r;
	}
	return NULL;
}

void resolver_apply(struct agent *agent, uint32_t owner, const struct guest_resolvers *to)
{
	struct resolver *r, *next;

	for (r = LIST_FIRST(&agent->resolvers); r; r = next) {
		next = LIST_NEXT(r, link);
		if (r->owner != owner || has(to, r->address))
			continue;
		relay_close_inet(agent, r->relay);
		resolver_free(r);
	}
	for (uint32_t i = 0; i < to->len; i++) {
		int e = resolver_find(agent, owner, to->at[i].address) ? 0 : resolver_new(agent, owner, &to->at[i]);

		if (e < 0)
			log_write(agent, PROTO_LOG_WARN, "names are not asked of the host's resolver: port 53: %s",
				strerror(-e));
	}
}

void resolver_end(struct agent *agent, uint32_t owner)
{
	struct resolver *r, *next;

	for (r = LIST_FIRST(&agent->resolvers); r; r = next) {
		next = LIST_NEXT(r, link);
		if (r->owner == owner)
			resolver_free(r);
	}
}
