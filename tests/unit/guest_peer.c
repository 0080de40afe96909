/* SPDX-License-Identifier: Apache-2.0 */
/* A channel whose other end is the test: see guest_peer.h. */
#include "guest_peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "base/fd.h"
#include "channel/proto.h"

static void on_agent_closed(void *arg, int error)
{
	(void)arg;
	(void)error;
}

static void on_guest_ready(void *arg, const struct proto_hello *hello)
{
	(void)arg;
	(void)hello;
}

static void on_guest_closed(void *arg, int error, const char *detail)
{
	(void)arg;
	fail_msg("the channel closed: %d, %s", error, detail);
}

void guest_peer_begin(
	struct guest_peer *p, struct loop *loop, int (*on_message)(void *arg, const void *msg, size_t len), void *arg)
{
	static const struct mux_limits limits = { .control_in_max = 1 << 20, .control_out_max = 1 << 20 };
	const struct proto_hello hello = { .version = PROTO_VERSION, .build = "b", .kernel = "k" };
	const struct guest_events guest_events = {
		.on_ready = on_guest_ready, .on_closed = on_guest_closed, .arg = arg
	};
	const struct mux_events mux_events = { .on_message = on_message, .on_closed = on_agent_closed, .arg = arg };
	struct err err = ERR_INIT;
	autobuf out = BUF_INIT;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, p->channel), 0);
	assert_int_equal(guest_new(loop, p->channel[0], &guest_events, &p->guest, &err), 0);
	assert_int_equal(mux_new(loop, p->channel[1], &limits, &mux_events, &p->agent), 0);
	proto_put_hello(&out, &hello);
	assert_int_equal(mux_send(p->agent, out.data, out.len), 0);
}

void guest_peer_end(struct guest_peer *p)
{
	guest_free(p->guest);
	mux_free(p->agent);
	fd_close(p->channel[0]);
	fd_close(p->channel[1]);
}

void guest_peer_answer(const struct guest_peer *p, uint32_t seq, uint32_t errnum, const void *payload, size_t len)
{
	const struct proto_result result = {
		.seq = seq, .errnum = errnum, .msg = "", .payload = payload, .payload_len = len
	};
	autobuf out = BUF_INIT;

	proto_put_result(&out, &result);
	assert_int_equal(mux_send(p->agent, out.data, out.len), 0);
}
