/* SPDX-License-Identifier: Apache-2.0 */
/* The processes of exec: see exec.h. */
#include "monitor/exec.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "channel/proto.h"

struct exec {
	LIST_ENTRY(exec) link;
	struct execs *execs;
	uint32_t process; /* its number on the channel */
	bool terminal, started;
	int fd; /* the connection; -1: nobody holds it */
	struct watch *watch;
};

struct execs {
	struct loop *loop;
	struct guest *guest;
	const char *cid;
	struct guestlog *log;
	LIST_HEAD(, exec) list;
	size_t n;
};

int execs_new(struct loop *loop, struct guest *guest, const char *cid, struct guestlog *log, struct execs **ret)
{
	struct execs *execs = calloc(1, sizeof(*execs));

	if (!execs)
		return -ENOMEM;
	*execs = (struct execs){ .loop = loop, .guest = guest, .cid = cid, .log = log };
	LIST_INIT(&execs->list);
	*ret = execs;
	return 0;
}

static void exec_close(struct exec *x)
{
	watch_free(x->watch);
	x->watch = NULL;
	fd_close(steal_fd(&x->fd));
}

static void exec_free(struct exec *x)
{
	exec_close(x);
	LIST_REMOVE(x, link);
	x->execs->n--;
	free(x);
}

void execs_free(struct execs *execs)
{
	if (!execs)
		return;
	while (!LIST_EMPTY(&execs->list))
		exec_free(LIST_FIRST(&execs->list));
	free(execs);
}

static struct exec *exec_find(const struct execs *execs, uint32_t process)
{
	struct exec *x;

	if (!execs)
		return NULL;
	LIST_FOREACH (x, &execs->list, link) {
		if (x->process == process)
			return x;
	}
	return NULL;
}

bool execs_none(const struct execs *execs)
{
	return execs->n == 0;
}

bool execs_has(const struct execs *execs, uint32_t process)
{
	return exec_find(execs, process);
}

/* Sends the holder, if there is one, @len bytes; what it has no room for is lost. */
static void tell(const struct exec *x, const void *message, size_t len)
{
	if (x->fd >= 0)
		(void)!send(x->fd, message, len,
			MSG_DONTWAIT | MSG_NOSIGNAL); /* a holder that has gone is seen by its end */
}

/* Sends the process a signal of whose arrival nobody is told: a process that has ended meanwhile has no use for it. */
static void exec_signal(const struct exec *x, int signo)
{
	struct err err = ERR_INIT;

	if (guest_signal(x->execs->guest, x->process, signo, false, NULL, NULL, &err) < 0)
		guestlog_say(x->execs->log, "vmrunc: exec: signal %d was lost: %s", signo, err.msg);
}

/* --- what the holder says --- */

/* Nobody holds the process any more: it is to end. One that is still being made is killed when it is there. */
static void exec_abandon(struct exec *x)
{
	exec_close(x);
	if (x->started)
		exec_signal(x, SIGKILL);
}

static void take_word(const struct exec *x, const struct exec_word *word)
{
	if (word->kind == EXEC_SIGNAL)
		exec_signal(x, word->value);
	else if (word->kind == EXEC_SIZE && x->terminal &&
		 guest_winsize(x->execs->guest, x->process, word->rows, word->cols) < 0)
		guestlog_say(x->execs->log, "vmrunc: exec: the terminal's new size was lost");
}

/* Words have come, or the holder has gone. One that says what is no word is taken for gone. */
static void on_word(void *arg, uint32_t events)
{
	struct exec *x = arg;
	struct exec_word word;
	ssize_t n;

	(void)events;
	while ((n = fd_recv(x->fd, &word, sizeof(word), NULL, 0, &(size_t){ 0 })) == (ssize_t)sizeof(word))
		take_word(x, &word);
	if (n != -EAGAIN)
		exec_abandon(x);
}

/* --- beginning --- */

/* The guest's answer: execve(2) has succeeded there, or it says why not. */
static void on_started(void *arg, const struct err *err, const void *payload, size_t len)
{
	struct exec *x = arg;

	(void)payload;
	(void)len;
	tell(x, err, sizeof(*err));
	x->started = err->errnum == 0;
	if (!x->started)
		exec_free(x);
	else if (x->fd < 0)
		exec_signal(x, SIGKILL);
	else if (watch_set_events(x->watch, EPOLLIN) < 0)
		exec_abandon(x);
}

/* Reads the encoded process, a file, into fresh memory. 0 or -errno with an error. */
static int read_process(int fd, uint8_t **ret, size_t *ret_len, struct err *err)
{
	struct stat st;
	autofree uint8_t *data = NULL;
	ssize_t n;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return err_set(err, EINVAL, "exec: the process did not come in a file");
	if (st.st_size <= 0 || st.st_size > PROTO_TO_GUEST_MAX)
		return err_set(err, E2BIG, "exec: a process of %lld bytes; at most %d are possible",
			(long long)st.st_size, PROTO_TO_GUEST_MAX);
	data = malloc((size_t)st.st_size);
	if (!data)
		return err_sys(err, ENOMEM, "exec");
	n = fd_read_full(fd, data, (size_t)st.st_size);
	if (n < 0)
		return err_sys(err, (int)n, "exec: cannot read the process");
	*ret = steal_ptr(data);
	*ret_len = (size_t)n;
	return 0;
}

/*
 * Sets @stdio and the descriptors that @p is given to those of @fds, borrowed, as the request says: -1 where there is
 * none. False if there are not as many as it says.
 */
static bool find_fds(
	const struct control_request *request, const struct control_fds *fds, struct guest_process *p, int stdio[3])
{
	bool terminal = p->terminal;
	size_t next = 1;

	for (int i = 0; i < 3; i++) {
		bool given = request->stdio >> i & 1;

		if (given && next >= fds->n)
			return false;
		stdio[i] = given ? fds->v[next++] : -1;
	}
	if (terminal)
		stdio[1] = stdio[0];
	for (uint32_t i = 0; i < p->fds.len; i++) {
		if (next >= fds->n)
			return false;
		p->fds.at[i].fd = fds->v[next++];
	}
	return next == fds->n && (!terminal || stdio[0] >= 0);
}

/* Makes the record of a process, without a connection. NULL without memory. */
static struct exec *exec_new(struct execs *execs, bool terminal)
{
	struct exec *x = calloc(1, sizeof(*x));

	if (!x)
		return NULL;
	x->execs = execs;
	x->process = guest_next_process(execs->guest);
	x->terminal = terminal;
	x->fd = -1;
	LIST_INSERT_HEAD(&execs->list, x, link);
	execs->n++;
	return x;
}

/* Has the guest make the decoded process @p, and takes the connection over. 0 or -errno with an error. */
static int exec_begin(struct execs *execs, struct guest_process *p, const int stdio[3], struct control_client *client,
	struct err *err)
{
	struct exec *x = exec_new(execs, p->terminal);
	struct winsize size;
	int r;

	if (!x)
		return err_sys(err, ENOMEM, "exec");
	p->id = x->process;
	/* the other end may have got a size already, since it was sent before this */
	if (p->terminal && ioctl(stdio[0], TIOCGWINSZ, &size) == 0 && (size.ws_row || size.ws_col)) {
		p->rows = size.ws_row;
		p->cols = size.ws_col;
	}
	r = guest_exec(execs->guest, execs->cid, p, stdio, on_started, x, err);
	if (r < 0) {
		exec_free(x);
		return r;
	}
	x->fd = control_detach(client);
	/* what the holder says is read when the process is there; its end is seen before that, too */
	if (watch_new(execs->loop, x->fd, 0, on_word, x, &x->watch) < 0)
		exec_abandon(x);
	return 0;
}

int execs_begin(struct execs *execs, const struct control_request *request, const struct control_fds *fds,
	struct control_client *client, struct err *err)
{
	struct proto_arena arena = { .blocks = NULL };
	autofree uint8_t *data = NULL;
	struct proto_request req;
	int stdio[3], r;
	size_t len;

	if (execs->n >= EXECS_MAX)
		return err_set(err, EAGAIN, "exec: %d processes have been added to the container; no more are possible",
			EXECS_MAX);
	if (fds->n == 0)
		return err_set(err, EINVAL, "exec: no process came");
	r = read_process(fds->v[0], &data, &len, err);
	if (r < 0)
		return r;
	if (proto_get_request(data, len, &arena, &req) < 0 || req.type != PROTO_EXEC)
		r = err_set(err, EINVAL, "exec: the monitor is of another version of vmrunc");
	else if (!find_fds(request, fds, &req.exec, stdio))
		r = err_set(err, EMFILE,
			"exec: the process's streams did not all come: the monitor has too many files open");
	else
		r = exec_begin(execs, &req.exec, stdio, client, err);
	proto_arena_done(&arena);
	return r;
}

/* --- what the guest says --- */

void execs_exited(struct execs *execs, uint32_t process, int status)
{
	const struct exec_word word = { .kind = EXEC_EXITED, .value = status };
	struct exec *x = exec_find(execs, process);

	if (!x)
		return;
	tell(x, &word, sizeof(word));
	exec_free(x);
}

void execs_stream_broken(struct execs *execs, uint32_t process, const char *text)
{
	struct exec_word word = { .kind = EXEC_BROKEN };
	const struct exec *x = exec_find(execs, process);

	guestlog_say(execs->log, "vmrunc: exec: the process's %s", text);
	(void)snprintf(word.text, sizeof(word.text), "%s", text); /* fits */
	if (x)
		tell(x, &word, sizeof(word));
}
