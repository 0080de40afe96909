/* SPDX-License-Identifier: Apache-2.0 */
/* container_exec() and container_exec_detached(): see exec.h. */
#include "life/exec.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "app/filter_store.h"
#include "app/progress.h"
#include "base/buf.h"
#include "base/fd.h"
#include "cgroup/cgroup.h"
#include "guest/fds.h"
#include "guest/translate.h"
#include "life/holder.h"
#include "life/inside.h"
#include "monitor/control.h"
#include "monitor/exec.h"
#include "monitor/terminal.h"

/*
 * How long the guest may take until it executes the program, which it reads over 9P, on an emulated CPU perhaps. In a
 * paused container it takes until that is resumed.
 */
#define EXEC_TIMEOUT_MS 60000

/* Everything of one exec; freed as a whole. */
struct execution {
	const struct settings *settings;
	const struct exec_request *request;
	struct life_notes *notes;
	struct statedir dir;
	struct state state;
	struct spec *config, *file; /* @file: of --process, or NULL */
	const struct spec_process *process;
	struct fds given;
	int encoded; /* the process as the monitor gets it, in a file of memory */
	int console; /* the connected console socket, or -1 */
	int master, slave;
};

#define EXECUTION_NONE(s, q, n)                                                                                        \
	{                                                                                                              \
		.settings = (s), .request = (q), .notes = (n), .dir = STATEDIR_NONE, .given = FDS_NONE, .encoded = -1, \
		.console = -1, .master = -1, .slave = -1                                                               \
	}

static void execution_done(struct execution *x)
{
	fds_done(&x->given);
	fd_close(x->encoded);
	fd_close(x->console);
	fd_close(x->master);
	fd_close(x->slave);
	spec_free(x->file);
	spec_free(x->config);
	state_done(&x->state);
	statedir_close(&x->dir);
}

/* Finds the container, in a state in which processes can be added to it: 0, or -EINVAL in runc's words. */
static int find_container(struct execution *x, struct err *err)
{
	enum status status = STATUS_STOPPED;
	int r = life_open(x->settings, x->request->id, false, &x->dir, &x->state, &status, err);

	if (r < 0)
		return r;
	if (status == STATUS_STOPPED)
		return err_set(err, EINVAL, "cannot exec in a stopped container");
	if (status == STATUS_CREATING)
		return err_set(err, EINVAL, "cannot exec in a container that has not been created yet");
	if (status == STATUS_PAUSED && !x->request->ignore_paused)
		return err_set(err, EINVAL, "cannot exec in a paused container (use --ignore-paused to override)");
	return 0;
}

/* Reads the config and the process, and checks what they and the command line say together. */
static int load(struct execution *x, struct err *err)
{
	const struct exec_request *q = x->request;
	bool terminal;
	int r = spec_load(x->dir.fd, LIFE_CONFIG, &x->config, NULL, err); /* its warnings were create's */

	if (r == 0 && q->process_file)
		r = spec_load_process(AT_FDCWD, q->process_file, &x->file, &x->notes->warnings, err);
	else if (r == 0)
		r = spec_exec_words(x->config, q->words, &x->notes->warnings, err);
	if (r < 0)
		return r;
	if (x->file)
		spec_exec_inherit(x->config, x->file->process);
	x->process = x->file ? x->file->process : x->config->process;
	terminal = x->process->terminal;
	if (q->detach && terminal && !q->console_socket)
		return err_set(err, EINVAL, "cannot allocate tty if vmrunc will detach without setting console socket");
	if (q->console_socket && !(q->detach && terminal))
		return err_set(err, EINVAL, "cannot use console socket if vmrunc will not detach or allocate tty");
	return 0;
}

/*
 * The size of the process's terminal at its start: in the foreground that of the caller's terminal, if it has one; else
 * the config's.
 */
static struct winsize terminal_size(const struct execution *x)
{
	const struct spec_console_size *s = x->process->console_size;
	struct winsize size = { .ws_row = 0 };

	if (!x->request->detach && ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0 && (size.ws_row || size.ws_col))
		return size;
	size = (struct winsize){ .ws_row = 0 };
	if (s) {
		size.ws_row = (unsigned short)s->height;
		size.ws_col = (unsigned short)s->width;
	}
	return size;
}

/*
 * Describes the descriptors that the process is given. A listening socket would need more system calls than the monitor of
 * a container has that was created without one. 0, or -errno with an error.
 */
static int take_given(struct execution *x, struct err *err)
{
	int fds[EXEC_GIVEN_MAX], r;

	if (x->request->given > EXEC_GIVEN_MAX)
		return err_set(err, E2BIG, "--preserve-fds: %zu descriptors; at most %d are possible with exec",
			x->request->given, EXEC_GIVEN_MAX);
	for (size_t i = 0; i < x->request->given; i++)
		fds[i] = GIVEN_FDS_FIRST + (int)i;
	r = fds_take(fds, x->request->given, &x->given, err);
	for (uint32_t i = 0; r == 0 && i < x->given.list.len; i++) {
		if (x->given.list.at[i].kind == GUEST_FD_LISTENER)
			r = err_set(err, ENOTSUP,
				"descriptor %d is a listening socket, which only create can pass into a virtual machine",
				fds[i]);
	}
	return r;
}

/* Translates the process, and writes it into a file of memory. The seccomp filter was compiled at create. */
static int encode(struct execution *x, struct err *err)
{
	const struct seccomp_store store = filter_store(x->settings->cache_dir);
	struct guest_translation *t = NULL;
	struct guest_process *p;
	autobuf out = BUF_INIT;
	int r = guest_translate_process(x->config, x->process, &store, &x->notes->warnings, &t, err);

	if (r < 0)
		return r;
	p = &guest_translation_container(t)->process;
	p->lf_only = !x->request->detach && !isatty(STDOUT_FILENO);
	p->cgroup = x->request->cgroup;
	p->fds = x->given.list;
	p->held = x->request->detach && x->state.cgroups.dirs.n > 0; /* those in no cgroup are found by nobody */
	guest_translation_put_exec(t, x->request->id, &out);
	guest_translation_free(t);
	if (buf_error(&out) < 0)
		return err_sys(err, ENOMEM, "exec");
	x->encoded = memfd_create("vmrunc-exec", MFD_CLOEXEC);
	if (x->encoded < 0)
		return err_sys(err, errno, "exec: cannot make a file of memory");
	r = fd_write_full(x->encoded, out.data, out.len);
	if (r < 0 || lseek(x->encoded, 0, SEEK_SET) < 0)
		return err_sys(err, r < 0 ? r : errno, "exec: cannot write the process");
	return 0;
}

/* Makes the process's terminal, if it has one. Its master goes to the console socket before the process starts. */
static int make_terminal(struct execution *x, struct holder *holder, struct err *err)
{
	const struct winsize size = terminal_size(x);
	int r;

	if (!x->process->terminal)
		return 0;
	if (x->request->console_socket) {
		x->console = terminal_console_connect(x->request->console_socket, err);
		if (x->console < 0)
			return x->console;
	}
	r = terminal_open(&size, &x->master, &x->slave, err);
	if (r == 0 && holder)
		r = holder_terminal(holder, x->slave, err);
	if (r == 0 && x->console >= 0) {
		r = terminal_send(x->console, x->master, err);
		fd_close(steal_fd(&x->master));
	}
	return r;
}

/* Asks the monitor, and waits until the program is executed. 0 with the connection in *@ret_handle, or -errno. */
static int ask(struct execution *x, int *ret_handle, struct err *err)
{
	const struct control_request request = { .op = CONTROL_EXEC, .stdio = x->slave >= 0 ? 1 : 7 };
	struct control_fds fds = { .n = 4, .v = { x->encoded, STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO } };
	int r;

	if (x->slave >= 0) {
		fds.n = 2;
		fds.v[1] = x->slave;
	}
	progress_hold(x->slave < 0); /* the terminal is the process's as soon as there is one */
	for (size_t i = 0; i < x->request->given; i++)
		fds.v[fds.n++] = GIVEN_FDS_FIRST + (int)i;
	r = control_open(&x->dir, &request, &fds, x->request->ignore_paused ? -1 : EXEC_TIMEOUT_MS, ret_handle, err);
	if (r == -ECONNRESET || r == -ECONNREFUSED)
		return err_set(err, EINVAL, "cannot exec in a stopped container");
	return r;
}

/* Everything up to the running process. @holder: who is to stand for it; NULL: the caller. */
static int execute(struct execution *x, struct holder *holder, int *ret_handle, struct err *err)
{
	int r = find_container(x, err);

	if (r == 0)
		r = load(x, err);
	if (r == 0)
		r = take_given(x, err);
	if (r == 0)
		r = encode(x, err);
	if (r == 0 && holder)
		r = cgroup_join(&x->state.cgroups, holder->pid, err);
	if (r == 0)
		r = make_terminal(x, holder, err);
	return r == 0 ? ask(x, ret_handle, err) : r;
}

int container_exec(const struct settings *settings, const struct exec_request *request, struct exec_started *ret,
	struct life_notes *notes, struct err *err)
{
	struct execution x = EXECUTION_NONE(settings, request, notes);
	autoclose int handle = -1;
	int r = execute(&x, NULL, &handle, err);

	/* the caller stands for the process, which ends if it cannot be found: its connection is closed */
	if (r == 0 && request->pid_file)
		r = life_write_pid_file(request->pid_file, getpid(), err);
	if (r == 0)
		*ret = (struct exec_started){ .handle = steal_fd(&handle), .master = steal_fd(&x.master) };
	/* the other ends are to see when the process has closed its own */
	for (size_t i = 0; r == 0 && i < request->given; i++)
		fd_close(GIVEN_FDS_FIRST + (int)i);
	execution_done(&x);
	return r;
}

int container_exec_detached(
	const struct settings *settings, const struct exec_request *request, struct life_notes *notes, struct err *err)
{
	struct execution x = EXECUTION_NONE(settings, request, notes);
	struct holder holder = { .sock = -1 };
	autoclose int handle = -1;
	int r = holder_new(request->id, &holder, err);

	if (r == 0)
		r = execute(&x, &holder, &handle, err);
	if (r == 0)
		r = holder_hold(&holder, handle, &x.process->args, err);
	if (r == 0 && request->pid_file)
		r = life_write_pid_file(request->pid_file, holder.pid, err);
	if (r == 0 && request->pidfd_socket)
		r = life_send_pidfd(request->pidfd_socket, holder.pid, err);
	if (r == 0)
		r = holder_go(&holder, err);
	holder_done(&holder);
	execution_done(&x);
	return r;
}
