/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent's end of the channel: see channel.h, and docs/channel.md for the
 * conversation.
 *
 * The agent trusts the monitor, so that a request that cannot be decoded is a bug
 * or a foreign peer: the channel is closed, and the machine powered off. A request
 * that cannot be done is answered with an errno and a sentence.
 */
#include "init/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/random.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "init/answer.h"
#include "init/birth.h"
#include "init/forget.h"
#include "init/network.h"
#include "init/pace.h"
#include "init/ports.h"
#include "init/process.h"
#include "init/relay.h"
#include "init/service.h"
#include "init/sync.h"
#include "init/timekeeper.h"
#include "sys/log.h"
#include "sys/power.h"
#include "sys/sandbox.h"

#ifndef AGENT_BUILD
#define AGENT_BUILD "unknown"
#endif

/* Bytes of answers that may wait for the monitor to read: each request has one, and the largest is a list of pids. */
#define CHANNEL_OUT_MAX (4 * 1024 * 1024)

/* --- HELLO --- */

/* Adds @seed to the random pool as entropy: the host has it from getrandom(2). */
static void channel_seed_random(const struct agent *agent, const uint8_t *seed)
{
	/* struct rand_pool_info: the number of bits, that of bytes, and the bytes */
	int pool[2 + PROTO_SEED_LEN / sizeof(int)] = { PROTO_SEED_LEN * 8, PROTO_SEED_LEN };
	autoclose int fd = open("/dev/urandom", O_RDWR | O_CLOEXEC);

	memcpy(&pool[2], seed, PROTO_SEED_LEN);
	if (fd < 0 || ioctl(fd, RNDADDENTROPY, pool) < 0)
		log_write(agent, PROTO_LOG_WARN, "cannot seed the random pool: %s", strerror(errno));
}

/* Acts on the host's HELLO. 0 or -EPROTO. */
static int channel_take_hello(struct agent *agent, const void *msg, size_t len)
{
	struct proto_hello hello;

	if (proto_get_hello(msg, len, &hello) < 0)
		return -EPROTO;
	if (hello.version != PROTO_VERSION) {
		log_write(agent, PROTO_LOG_ERROR, "the host speaks version %u of the protocol, this agent version %d",
			hello.version, PROTO_VERSION);
		return -EPROTO;
	}
	if (!agent->native)
		channel_seed_random(agent, hello.seed);
	return 0;
}

/* Queues the agent's HELLO. 0 or -errno. */
static int channel_say_hello(struct agent *agent)
{
	struct proto_hello hello = { .version = PROTO_VERSION, .build = AGENT_BUILD };
	autobuf out = BUF_INIT;
	struct timespec up;
	struct utsname uts;

	if (uname(&uts) < 0 || clock_gettime(CLOCK_BOOTTIME, &up) < 0)
		return -errno;
	hello.kernel = uts.release;
	hello.uptime_us = (uint64_t)up.tv_sec * 1000000u + (uint64_t)up.tv_nsec / 1000u;
	proto_put_hello(&out, &hello);
	return buf_error(&out) < 0 ? buf_error(&out) : mux_send(agent->mux, out.data, out.len);
}

/* --- requests --- */

static void channel_on_synced(void *arg, uint32_t seq)
{
	answer_done(arg, seq, NULL, 0);
}

/* Does a request that is over when its function returns. 0, or -errno with @err set. */
static int channel_do_now(struct agent *agent, const struct proto_request *req, struct buf *payload, struct err *err)
{
	switch (req->type) {
	case PROTO_SANDBOX:
		return sandbox_setup(agent, &req->sandbox, err);
	case PROTO_SIGNAL:
		return process_signal(agent, req->process, (int)req->signo, req->all, err);
	case PROTO_UPDATE:
		return service_update(agent, req->cid, &req->values, err);
	case PROTO_NET:
		return network_apply(agent, &req->net, err);
	case PROTO_PORTS:
		return ports_list(agent, req->cid, payload, err);
	case PROTO_PS:
		return service_list_processes(agent, req->cid, payload, err);
	case PROTO_PROCS:
		return service_put_procs(agent, req->cid, req->after, payload, err);
	case PROTO_FILE:
		return service_do_file(agent, req->cid, &req->file_op, payload, err);
	case PROTO_RESUMED:
		timekeeper_resumed(agent, req->time.realtime_ns);
		return 0;
	case PROTO_READ_CGROUP:
		return service_read_cgroup(agent, req->cid, req->file, payload, err);
	default:
		return err_set(err, ENOSYS, "the agent knows no request %u", req->type);
	}
}

/* Does the request @req, and answers it now or leaves that to whoever finishes it. */
static void channel_serve(struct agent *agent, const struct proto_request *req)
{
	struct err err = ERR_INIT;
	autobuf payload = BUF_INIT;
	int r;

	switch (req->type) {
	case PROTO_CREATE: /* this and the next ones are answered when what they begin is over */
		birth_create(agent, &req->container, req->seq);
		return;
	case PROTO_EXEC:
		birth_exec(agent, req->cid, &req->exec, req->seq);
		return;
	case PROTO_START:
		birth_start(agent, req->process, req->seq);
		return;
	case PROTO_DELETE:
		service_delete(agent, req->cid, req->seq);
		return;
	case PROTO_SYNC:
		sync_shares(agent, channel_on_synced, agent, req->seq);
		return;
	case PROTO_FORGET:
		forget_names(agent, &req->forget, channel_on_synced, agent, req->seq);
		return;
	case PROTO_FILE_CLOSE:
		service_close_file(agent, req->cid, req->file_handle);
		return;
	case PROTO_WINSIZE:
		process_winsize(agent, req->process, req->rows, req->cols);
		return;
	case PROTO_TIME:
		timekeeper_take(agent, &req->time);
		return;
	case PROTO_LINK:
		if (req->link.relay == PROTO_RELAY_PORT)
			ports_link(agent, &req->link);
		else
			relay_link(agent, &req->link);
		return;
	case PROTO_POWEROFF:
		power_off(agent);
	default:
		break;
	}
	r = channel_do_now(agent, req, &payload, &err);
	if (r == 0 && buf_error(&payload) < 0)
		r = err_set(&err, ENOMEM, "no memory for an answer");
	if (r < 0)
		answer_refuse(agent, req->seq, &err);
	else
		answer_done(agent, req->seq, payload.data, payload.len);
}

/* As mux_events.on_message: a HELLO or a request. */
static int channel_on_message(void *arg, const void *msg, size_t len)
{
	struct proto_arena arena = { .blocks = NULL };
	struct agent *agent = arg;
	struct proto_request req;
	int r;

	pace_request(agent);
	if (proto_type(msg, len) == PROTO_HELLO)
		return channel_take_hello(agent, msg, len);
	r = proto_get_request(msg, len, &arena, &req);
	if (r == 0)
		channel_serve(agent, &req);
	proto_arena_done(&arena);
	return r;
}

static void channel_on_closed(void *arg, int error)
{
	struct agent *agent = arg;

	agent->mux = NULL;
	if (error < 0)
		log_write(agent, PROTO_LOG_ERROR, "the channel broke: %s", strerror(-error));
	power_off(agent);
}

/* As mux_events.on_filled. */
static void channel_on_filled(void *arg, size_t len)
{
	pace_output(arg, len);
}

int channel_open(struct agent *agent)
{
	static const struct mux_limits limits = {
		.control_in_max = PROTO_TO_GUEST_MAX,
		.control_out_max = CHANNEL_OUT_MAX,
	};
	struct mux_events events = {
		.on_message = channel_on_message,
		.on_closed = channel_on_closed,
		.on_filled = channel_on_filled,
		.arg = agent,
	};
	int r = mux_new(agent->loop, agent->channel_fd, &limits, &events, &agent->mux);

	if (r == 0)
		r = channel_say_hello(agent);
	/* a test on the host must not set the host's clock */
	return r < 0 || agent->native ? r : timekeeper_start(agent);
}
