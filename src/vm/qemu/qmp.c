/* SPDX-License-Identifier: Apache-2.0 */
/* QMP: see qmp.h. */
#include "vm/qemu/qmp.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "json/gen.h"
#include "json/json.h"

#define READ_CHUNK 4096

/* Copies the string member @name of @object, cut to @size - 1 bytes; "" if there is none. */
static void qmp_copy_string(const struct json *object, const char *name, char *to, size_t size)
{
	const char *text = json_get_string(object, name);

	(void)snprintf(to, size, "%s", text ? text : ""); /* cutting is meant */
}

/* Tells by its members which kind of message @root is, and takes from it what struct qmp_msg has room for. */
static void qmp_classify(const struct json *root, struct qmp_msg *msg)
{
	const struct json *error = json_get_type(root, "error", JSON_OBJECT);
	int64_t id;

	if (json_get_i64(root, "id", &id) && id > 0 && id <= INT32_MAX)
		msg->id = (unsigned int)id;
	if (json_get_type(root, "QMP", JSON_OBJECT)) {
		msg->kind = QMP_GREETING;
	} else if (error) {
		msg->kind = QMP_ERROR;
		qmp_copy_string(error, "desc", msg->text, sizeof(msg->text));
	} else if (json_get_string(root, "event")) {
		msg->kind = QMP_EVENT;
		qmp_copy_string(root, "event", msg->event, sizeof(msg->event));
		qmp_copy_string(json_get(root, "data"), "reason", msg->reason, sizeof(msg->reason));
	} else if (json_get(root, "return")) {
		msg->kind = QMP_RETURN;
	}
}

int qmp_parse(const char *line, size_t len, struct qmp_msg *ret_msg)
{
	struct qmp_msg msg = { .kind = QMP_OTHER };
	autoarena struct arena *arena = NULL;
	struct json *root;
	int r;

	if (len > QMP_LINE_MAX)
		return -EBADMSG;
	if (arena_new(&arena) < 0)
		return -ENOMEM;
	r = json_parse("QMP", line, len, 0, arena, &root, NULL, NULL);
	if (r == -ENOMEM)
		return r;
	if (r < 0 || root->type != JSON_OBJECT)
		return -EBADMSG;
	qmp_classify(root, &msg);
	*ret_msg = msg;
	return 0;
}

void qmp_init(struct qmp *q, int fd)
{
	*q = (struct qmp){ .fd = fd, .in = BUF_INIT };
}

void qmp_done(struct qmp *q)
{
	fd_close(q->fd);
	q->fd = -1;
	buf_done(&q->in);
}

/* Takes what has arrived: 0, -EAGAIN if nothing has, or -errno; -EBADMSG: the line that is held is too long already. */
static int qmp_fill(struct qmp *q)
{
	char chunk[READ_CHUNK];
	ssize_t n;

	if (q->in.len > QMP_LINE_MAX)
		return -EBADMSG;
	do {
		n = recv(q->fd, chunk, sizeof(chunk), MSG_DONTWAIT);
	} while (n < 0 && errno == EINTR);
	if (n < 0 && errno == ECONNRESET)
		n = 0; /* QEMU has died, and had not read all that we sent */
	if (n < 0)
		return -errno;
	if (n == 0)
		q->eof = true;
	buf_put(&q->in, chunk, (size_t)n);
	return buf_error(&q->in);
}

int qmp_next(struct qmp *q, struct qmp_msg *ret_msg)
{
	for (;;) {
		char *nl = q->in.len ? memchr(q->in.data, '\n', q->in.len) : NULL;
		int r;

		if (nl) {
			size_t len = (size_t)(nl - q->in.data);

			r = qmp_parse(q->in.data, len, ret_msg);
			buf_consume(&q->in, len + 1);
			return r < 0 ? r : 1;
		}
		if (q->eof)
			return -EPIPE;
		r = qmp_fill(q);
		if (r == -EAGAIN)
			return 0;
		if (r < 0)
			return r;
	}
}

/* Sends @command, with the argument @name if that is not NULL: as qmp_send(). */
static int send_command(struct qmp *q, const char *command, const char *name, uint64_t value, unsigned int *ret_id)
{
	unsigned int id = ++q->last_id;
	autobuf line = BUF_INIT;
	struct gen g;
	ssize_t n;

	gen_init(&g, &line, GEN_COMPACT);
	gen_open_object(&g);
	gen_key_string(&g, "execute", command);
	if (name) {
		gen_key_object(&g, "arguments");
		gen_key_integer(&g, name, (int64_t)value);
		gen_close_object(&g);
	}
	gen_key_integer(&g, "id", id);
	gen_close_object(&g);
	buf_puts(&line, "\n");
	if (gen_finish(&g, NULL) < 0)
		return -ENOMEM;
	do {
		n = send(q->fd, line.data, line.len, MSG_NOSIGNAL | MSG_DONTWAIT);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if ((size_t)n != line.len)
		return -EAGAIN; /* QEMU has left so many commands unread that the socket is full */
	*ret_id = id;
	return 0;
}

int qmp_send(struct qmp *q, const char *command, unsigned int *ret_id)
{
	return send_command(q, command, NULL, 0, ret_id);
}

int qmp_send_number(struct qmp *q, const char *command, const char *name, uint64_t value, unsigned int *ret_id)
{
	return send_command(q, command, name, value, ret_id);
}
