/* SPDX-License-Identifier: Apache-2.0 */
/* What the agent tells the monitor: see answer.h. */
#include "init/answer.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "sys/log.h"
#include "sys/power.h"

/*
 * Queues a message. The monitor waits for each of them, so if one cannot be queued (no memory, or the monitor has not
 * read for too long) the machine is powered off: the monitor sees that, and does not wait for ever.
 */
static void answer_send(struct agent *agent, const struct buf *out)
{
	int r = buf_error(out);

	if (r == 0)
		r = mux_send(agent->mux, out->data, out->len);
	if (r == 0 || r == -EPIPE) /* -EPIPE: the channel is closed, of which the loop tells channel.c next */
		return;
	agent->mux = NULL;
	log_write(agent, PROTO_LOG_ERROR, "cannot send to the host: %s", strerror(-r));
	power_off(agent);
}

void answer_done(struct agent *agent, uint32_t seq, const void *payload, size_t len)
{
	struct proto_result res = { .seq = seq, .payload = payload, .payload_len = len };
	autobuf out = BUF_INIT;

	proto_put_result(&out, &res);
	answer_send(agent, &out);
}

void answer_refuse(struct agent *agent, uint32_t seq, const struct err *err)
{
	struct proto_result res = { .seq = seq,
		.errnum = err->errnum > 0 ? (uint32_t)err->errnum : EIO,
		.exit_status = (uint32_t)err->exit_status,
		.msg = err->msg };
	autobuf out = BUF_INIT;

	proto_put_result(&out, &res);
	answer_send(agent, &out);
}

void answer_exited(struct agent *agent, uint32_t process, int status, bool oom)
{
	struct proto_exited e = { .process = process, .status = (uint32_t)status, .oom = oom };
	autobuf out = BUF_INIT;

	proto_put_exited(&out, &e);
	answer_send(agent, &out);
}
