/* SPDX-License-Identifier: Apache-2.0 */
/* The host's end of a channel to a guest that is the input: see host.h. */
#include "tests/fuzz/host.h"

#include <endian.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "channel/mux.h"
#include "tests/fuzz/replay.h"

#define TURNS 4       /* of the loop: what one makes due is done in another */
#define WAITS_MAX 256 /* for room in the channel: a host whose calls fall short reads little in a turn */

static void on_ready(void *arg unused, const struct proto_hello *hello)
{
	require(hello->version == PROTO_VERSION, "a greeting of another version");
}

static void on_exited(void *arg, uint32_t process, int status, bool oom unused)
{
	const struct fuzz_host *h = arg;

	require(process >= 1 && process <= h->processes && status >= 0 && status <= 0xffff,
		"the exit of a process that is not there");
}

static void on_log(void *arg unused, enum proto_log level, const char *text)
{
	require(level <= PROTO_LOG_DEBUG && strlen(text) < PROTO_TEXT_MAX, "a message that is too long");
}

static void on_closed(void *arg, int error unused, const char *detail)
{
	struct fuzz_host *h = arg;

	require(!h->closed && *detail, "closed twice");
	h->closed = true;
	loop_stop(h->loop);
}

static void on_tick(void *arg, uint32_t events unused)
{
	loop_stop(arg);
}

void fuzz_host_begin(struct fuzz_host *h, uint32_t processes)
{
	const struct guest_events events = {
		.on_ready = on_ready, .on_exited = on_exited, .on_log = on_log, .on_closed = on_closed, .arg = h
	};
	int sv[2];

	(void)signal(SIGPIPE, SIG_IGN); /* as the monitor has it */
	*h = (struct fuzz_host){ .processes = processes };
	require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) == 0 && fd_set_nonblock(sv[0], 1) == 0 &&
			loop_new(&h->loop) == 0 && guest_new(h->loop, sv[0], &events, &h->guest, NULL) == 0,
		"a channel");
	h->own = sv[0];
	h->channel = sv[1];
	h->tick = eventfd(1, EFD_CLOEXEC);
	require(h->tick >= 0 && watch_new(h->loop, h->tick, EPOLLIN, on_tick, h->loop, &h->watch) == 0, "a tick");
}

void fuzz_host_answered(void *arg, const struct err *err, const void *payload unused, size_t len)
{
	struct fuzz_host *h = arg;

	require(strlen(err->msg) < ERR_MSG_MAX && len <= PROTO_TO_HOST_MAX, "an answer that is too long");
	h->answers++;
}

void fuzz_host_turns(struct fuzz_host *h)
{
	for (int i = 0; i < TURNS && !h->closed; i++)
		require(loop_run(h->loop) == 0, "the loop");
}

bool fuzz_host_bytes(struct fuzz_host *h, const void *data, size_t len)
{
	const uint8_t *at = data;

	for (int waits = 0; len > 0 && !h->closed && waits < WAITS_MAX;) {
		ssize_t n = send(h->channel, at, len, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return false;
		if (n < 0) {
			fuzz_host_turns(h);
			waits++;
			continue;
		}
		at += n;
		len -= (size_t)n;
	}
	return len == 0;
}

void fuzz_host_frame(struct fuzz_host *h, uint32_t type, uint32_t stream, const void *data, size_t len)
{
	uint32_t head[3] = { htole32(type), htole32(stream), htole32((uint32_t)len) };

	if (!h->closed && fuzz_host_bytes(h, head, sizeof(head)) && fuzz_host_bytes(h, data, len))
		fuzz_host_turns(h);
}

void fuzz_host_message(struct fuzz_host *h, struct buf *b)
{
	uint32_t len = htole32((uint32_t)b->len);
	autobuf out = BUF_INIT;

	buf_put(&out, &len, sizeof(len));
	buf_put(&out, b->data, b->len);
	fuzz_host_frame(h, MUX_DATA, MUX_CONTROL, out.data, out.len);
	buf_done(b);
}

void fuzz_host_greet(struct fuzz_host *h)
{
	struct proto_hello hello = { .version = PROTO_VERSION, .build = "b", .kernel = "k" };
	struct buf b = BUF_INIT;

	proto_put_hello(&b, &hello);
	fuzz_host_message(h, &b);
}

void fuzz_host_end(struct fuzz_host *h, int requests)
{
	require(shutdown(h->channel, SHUT_WR) == 0, "shutdown");
	while (!h->closed)
		require(loop_run(h->loop) == 0, "the loop");
	guest_free(h->guest);
	require(h->answers == requests, "a request without an answer");
}

void fuzz_host_free(struct fuzz_host *h)
{
	watch_free(h->watch);
	loop_free(h->loop);
	fd_close(h->tick);
	fd_close(h->own);
	fd_close(h->channel);
}
