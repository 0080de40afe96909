/* SPDX-License-Identifier: Apache-2.0 */
/* Questions for the guest: see query.h. */
#include "monitor/query.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"

/* The guest's answer, for a client that keeps the file for it. GUEST: its bytes are not looked at here. */
static void on_answer(void *arg, const struct err *err, const void *payload, size_t len)
{
	struct control_client *client = arg;
	struct err told = *err;
	int fd = control_kept(client);
	int r = told.errnum || fd < 0 ? 0 : fd_write_full(fd, payload, len);

	if (r < 0)
		(void)err_sys(&told, r, "cannot write the guest's answer");
	control_answer(client, &told, NULL);
}

/* Reads the message of an UPDATE from @client's file and has the guest carry it out. 0, or -errno with an error. */
static int begin_update(struct guest *guest, const char *cid, struct control_client *client, struct err *err)
{
	int fd = control_kept(client);
	struct proto_arena arena = { .blocks = NULL };
	struct proto_request request;
	autofree char *text = NULL;
	struct stat st;
	ssize_t n;
	int r;

	if (fstat(fd, &st) < 0 || st.st_size <= 0 || st.st_size > PROTO_TO_GUEST_MAX)
		return err_set(err, E2BIG, "update: too many values");
	text = malloc((size_t)st.st_size);
	if (!text)
		return err_sys(err, ENOMEM, "update");
	n = fd_read_full(fd, text, (size_t)st.st_size);
	r = n < 0 ? (int)n : proto_get_request(text, (size_t)n, &arena, &request);
	if (r == 0 && request.type != PROTO_UPDATE)
		r = -EBADMSG;
	if (r < 0)
		(void)err_sys(err, r, "update: cannot read the values");
	else
		r = guest_update(guest, cid, &request.values, on_answer, client, err);
	proto_arena_done(&arena);
	return r;
}

int query_begin(struct guest *guest, const char *cid, const struct control_request *request, struct control_fds *fds,
	struct control_client *client, struct err *err)
{
	struct stat st;

	/* writing to anything else could wait for a reader */
	if (fds->n != 1 || fstat(fds->v[0], &st) < 0 || !S_ISREG(st.st_mode))
		return err_set(err, EINVAL, "the request brings no file for the answer");
	control_keep(client, steal_fd(&fds->v[0]));
	if (request->op == CONTROL_PS)
		return guest_ps(guest, cid, on_answer, client, err);
	if (request->op == CONTROL_UPDATE)
		return begin_update(guest, cid, client, err);
	if (!memchr(request->file, '\0', sizeof(request->file)))
		return err_set(err, EINVAL, "the name of a cgroup's file has no end");
	return guest_read_cgroup(guest, cid, request->file, on_answer, client, err);
}

int query_ask(const struct statedir *dir, const struct control_request *request, const void *question,
	size_t question_len, int timeout_ms, char **ret_answer, size_t *ret_len, struct err *err)
{
	autoclose int fd = memfd_create("query", MFD_CLOEXEC);
	const struct control_fds give = { .n = 1, .v = { fd } };
	autofree char *answer = NULL;
	off_t end;
	ssize_t n;
	int r;

	if (fd < 0)
		return err_sys(err, errno, "cannot make a file of memory");
	r = fd_write_full(fd, question, question_len);
	if (r == 0 && lseek(fd, 0, SEEK_SET) < 0)
		r = -errno;
	if (r < 0)
		return err_sys(err, r, "cannot write to a file of memory");
	r = control_call(dir, request, &give, NULL, timeout_ms, err);
	if (r < 0 || !ret_answer)
		return r;
	/* the monitor has left the offset behind the answer, which lies behind the question */
	end = lseek(fd, 0, SEEK_CUR);
	answer = end < (off_t)question_len ? NULL : malloc((size_t)end - question_len + 1);
	if (!answer || lseek(fd, (off_t)question_len, SEEK_SET) < 0)
		return err_sys(err, ENOMEM, "the guest's answer");
	n = fd_read_full(fd, answer, (size_t)end - question_len);
	if (n < 0)
		return err_sys(err, (int)n, "the guest's answer");
	answer[n] = '\0';
	*ret_answer = steal_ptr(answer);
	*ret_len = (size_t)n;
	return 0;
}
