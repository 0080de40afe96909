/* SPDX-License-Identifier: Apache-2.0 */
/* QMP: see qmp.h. */
#include "vm/qemu/qmp.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <yajl/yajl_tree.h>

#include "base/fd.h"

#define READ_CHUNK 4096

static yajl_val qmp_field(yajl_val object, const char *name, yajl_type type)
{
	const char *path[] = { name, NULL };

	return yajl_tree_get(object, path, type);
}

/* Copies the string member @name of @object, cut to @size - 1 bytes; "" if there is none. */
static void qmp_copy_string(yajl_val object, const char *name, char *to, size_t size)
{
	yajl_val v = object ? qmp_field(object, name, yajl_t_string) : NULL;

	(void)snprintf(to, size, "%s", v ? YAJL_GET_STRING(v) : ""); /* cutting is meant */
}

static void qmp_classify(yajl_val root, struct qmp_msg *msg)
{
	yajl_val id = qmp_field(root, "id", yajl_t_number), v;

	if (id && YAJL_IS_INTEGER(id) && YAJL_GET_INTEGER(id) > 0 && YAJL_GET_INTEGER(id) <= 0x7fffffff)
		msg->id = (unsigned int)YAJL_GET_INTEGER(id);
	if (qmp_field(root, "QMP", yajl_t_object)) {
		msg->kind = QMP_GREETING;
	} else if ((v = qmp_field(root, "error", yajl_t_object))) {
		msg->kind = QMP_ERROR;
		qmp_copy_string(v, "desc", msg->text, sizeof(msg->text));
	} else if (qmp_field(root, "event", yajl_t_string)) {
		msg->kind = QMP_EVENT;
		qmp_copy_string(root, "event", msg->event, sizeof(msg->event));
		v = qmp_field(root, "data", yajl_t_object);
		qmp_copy_string(v, "reason", msg->reason, sizeof(msg->reason));
	} else if (qmp_field(root, "return", yajl_t_any)) {
		msg->kind = QMP_RETURN;
	}
}

int qmp_parse(const char *line, size_t len, struct qmp_msg *ret_msg)
{
	struct qmp_msg msg = { .kind = QMP_OTHER };
	char text[QMP_LINE_MAX + 1];
	yajl_val root;

	if (len > QMP_LINE_MAX || memchr(line, '\0', len))
		return -EBADMSG;
	memcpy(text, line, len);
	text[len] = '\0';
	root = yajl_tree_parse(text, NULL, 0);
	if (!root || !YAJL_IS_OBJECT(root)) {
		yajl_tree_free(root);
		return -EBADMSG;
	}
	qmp_classify(root, &msg);
	yajl_tree_free(root);
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

/* Takes what has arrived, at most one line's bound beyond what is held. */
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
		n = 0; /* QEMU died with something of ours unread */
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

int qmp_send(struct qmp *q, const char *command, unsigned int *ret_id)
{
	char line[QMP_TEXT_MAX];
	unsigned int id = ++q->last_id;
	int len = snprintf(line, sizeof(line), "{\"execute\":\"%s\",\"id\":%u}\n", command, id);
	ssize_t n;

	if (len >= (int)sizeof(line))
		return -EINVAL;
	do {
		n = send(q->fd, line, (size_t)len, MSG_NOSIGNAL | MSG_DONTWAIT);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if (n != len)
		return -EAGAIN; /* QEMU has left more commands unread than a socket holds */
	*ret_id = id;
	return 0;
}
