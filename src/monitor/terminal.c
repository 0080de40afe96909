/* SPDX-License-Identifier: Apache-2.0 */
/* Terminals: see tty.h. */
#include "monitor/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "monitor/control.h"

int tty_console_connect(const char *path, struct err *err)
{
	int fd = control_connect_path(path, SOCK_STREAM);

	if (fd < 0)
		return err_sys(err, fd, "--console-socket: cannot connect to \"%s\"", path);
	return fd;
}

int tty_make(int console, const struct winsize *size, int *ret_slave, struct err *err)
{
	autoclose int master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
	autoclose int slave = -1;
	struct termios raw;
	char name[64];
	int unlock = 0, number = 0, r;

	if (master < 0 || ioctl(master, TIOCSPTLCK, &unlock) < 0 || ioctl(master, TIOCGPTN, &number) < 0)
		return err_sys(err, errno, "process.terminal: cannot make a pty");
	slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0 || tcgetattr(slave, &raw) < 0)
		return err_sys(err, errno, "process.terminal: cannot open the pty");
	cfmakeraw(&raw);
	if (tcsetattr(slave, TCSANOW, &raw) < 0)
		return err_sys(err, errno, "process.terminal: cannot make the pty raw");
	if (size && (size->ws_row || size->ws_col) && ioctl(slave, TIOCSWINSZ, size) < 0)
		return err_sys(err, errno, "process.consoleSize");
	if (ioctl(slave, TIOCSCTTY, 0) < 0)
		return err_sys(err, errno, "process.terminal: cannot take the pty as controlling terminal");
	(void)snprintf(name, sizeof(name), "/dev/pts/%d", number);
	r = fd_send(console, name, strlen(name), &master, 1);
	if (r < 0)
		return err_sys(err, r, "--console-socket: cannot send the terminal");
	*ret_slave = steal_fd(&slave);
	return 0;
}

int tty_receive(int console, int *ret_master, struct err *err)
{
	char name[64];
	size_t n = 0;
	int fd = -1;
	ssize_t r = fd_recv(console, name, sizeof(name), &fd, 1, &n);

	if (r <= 0 || n != 1)
		return err_sys(err, r < 0 ? (int)r : ECONNRESET, "the container's terminal did not come");
	*ret_master = fd;
	return 0;
}

/* --- run's own terminal --- */

/* Bytes that wait for the slower side of each direction. */
#define RELAY_BUFFER 65536

struct direction {
	int from, to;
	struct watch *in, *out;
	bool file; /* @from is one: it never blocks, and epoll does not take it */
	size_t len;
	char data[RELAY_BUFFER];
};

struct tty_relay {
	struct loop *loop;
	int master;
	bool raw;
	struct termios saved;
	struct direction input, output;
};

static void direction_end(struct direction *d)
{
	watch_free(d->in);
	d->in = NULL;
}

static void direction_adjust(struct direction *d)
{
	int r = 0;

	if (d->file && d->len == 0) {
		ssize_t n = read(d->from, d->data, RELAY_BUFFER);

		d->len = n > 0 ? (size_t)n : 0;
		d->file = n > 0;
	}
	if (d->in)
		r = watch_set_events(d->in, d->len < RELAY_BUFFER ? EPOLLIN : 0);
	if (r == 0 && d->out)
		r = watch_set_events(d->out, d->len ? EPOLLOUT : 0);
	if (r < 0)
		direction_end(d);
}

static bool direction_write(struct direction *d)
{
	while (d->len) {
		ssize_t n = write(d->to, d->data, d->len);

		if (n < 0 && errno == EAGAIN)
			return true;
		if (n <= 0 && errno != EINTR)
			return false;
		if (n > 0) {
			d->len -= (size_t)n;
			memmove(d->data, d->data + n, d->len);
		}
	}
	return true;
}

/* The reader is gone: what is left has nowhere to go. */
static void direction_drop(struct direction *d)
{
	d->len = 0;
	direction_end(d);
	watch_free(d->out);
	d->out = NULL;
}

/* Takes what has come, once, and passes on what the other side takes. */
static void direction_move(struct direction *d)
{
	ssize_t n;

	if (d->len < RELAY_BUFFER) {
		n = read(d->from, d->data + d->len, RELAY_BUFFER - d->len);
		if (n > 0)
			d->len += (size_t)n;
		else if (n == 0 || (errno != EAGAIN && errno != EINTR))
			direction_end(d);
	}
	if (!direction_write(d))
		direction_drop(d);
	direction_adjust(d);
}

/* Our own stdin blocks: it is read only when it says that it has something. */
static void on_in(void *arg, uint32_t events)
{
	if (events & EPOLLIN)
		direction_move(arg);
	else
		direction_end(arg);
}

static void on_out(void *arg, uint32_t events)
{
	struct direction *d = arg;

	if ((events & (EPOLLHUP | EPOLLERR)) || !direction_write(d))
		direction_drop(d);
	direction_adjust(d);
}

/* Output to something that epoll does not take (a file) never blocks: no watch is needed. */
static int direction_start(struct direction *d, struct loop *loop)
{
	int r = watch_new(loop, d->from, EPOLLIN, on_in, d, &d->in);

	d->file = r == -EPERM;
	if (r == 0 || d->file)
		r = watch_new(loop, d->to, 0, on_out, d, &d->out);
	if (r == -EPERM) /* a file as output: written at once */
		r = 0;
	if (r == 0)
		direction_adjust(d);
	return r;
}

int tty_relay_new(struct loop *loop, int master, struct tty_relay **ret, struct err *err)
{
	struct tty_relay *relay = calloc(1, sizeof(*relay));
	struct termios raw;
	int r;

	if (!relay) {
		fd_close(master);
		return err_sys(err, ENOMEM, "terminal");
	}
	relay->loop = loop;
	relay->master = master;
	relay->input = (struct direction){ .from = STDIN_FILENO, .to = master };
	/* the master is in epoll once already; the second direction watches a duplicate */
	relay->output = (struct direction){ .from = fcntl(master, F_DUPFD_CLOEXEC, 3), .to = STDOUT_FILENO };
	r = fd_set_nonblock(master, 1);
	if (r == 0 && relay->output.from < 0)
		r = -errno;
	if (r == 0 && tcgetattr(STDIN_FILENO, &relay->saved) == 0) {
		raw = relay->saved;
		cfmakeraw(&raw);
		if (tcsetattr(STDIN_FILENO, TCSANOW, &raw) < 0)
			r = -errno;
		relay->raw = r == 0;
	}
	if (r == 0)
		r = direction_start(&relay->input, loop);
	if (r == 0)
		r = direction_start(&relay->output, loop);
	if (r < 0) {
		tty_relay_free(relay);
		return err_sys(err, r, "cannot relay the terminal");
	}
	tty_relay_resize(relay);
	*ret = relay;
	return 0;
}

void tty_relay_resize(struct tty_relay *relay)
{
	struct winsize size;

	/* without a terminal of our own there is no size to pass on */
	if (relay && ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0)
		(void)ioctl(relay->master, TIOCSWINSZ, &size);
}

void tty_relay_free(struct tty_relay *relay)
{
	if (!relay)
		return;
	/* the monitor is gone: what is left in the pty comes without waiting, then EIO */
	while (relay->output.in) {
		direction_move(&relay->output);
		if (relay->output.len == 0 && relay->output.in) {
			struct pollfd p = { .fd = relay->output.from, .events = POLLIN };

			if (poll(&p, 1, 0) <= 0)
				break;
		}
	}
	if (relay->raw)
		(void)tcsetattr(STDIN_FILENO, TCSADRAIN, &relay->saved);
	watch_free(relay->input.in);
	watch_free(relay->input.out);
	watch_free(relay->output.in);
	watch_free(relay->output.out);
	fd_close(relay->output.from);
	fd_close(relay->master);
	free(relay);
}
