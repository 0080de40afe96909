/* SPDX-License-Identifier: Apache-2.0 */
/* The container's terminal on the monitor's side: see terminal.h. */
#include "monitor/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include "base/fd.h"
#include "host/sock.h"

int terminal_console_connect(const char *path, struct err *err)
{
	int fd = sock_connect_path(path, SOCK_STREAM);

	if (fd < 0)
		return err_sys(err, fd, "--console-socket: cannot connect to \"%s\"", path);
	return fd;
}

int terminal_open(const struct winsize *size, int *ret_master, int *ret_slave, struct err *err)
{
	autoclose int master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
	autoclose int slave = -1;
	struct termios raw;
	int unlock = 0;

	if (master < 0 || ioctl(master, TIOCSPTLCK, &unlock) < 0)
		return err_sys(err, errno, "process.terminal: cannot make a pty");
	slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0 || tcgetattr(slave, &raw) < 0)
		return err_sys(err, errno, "process.terminal: cannot open the pty");
	cfmakeraw(&raw);
	if (tcsetattr(slave, TCSANOW, &raw) < 0)
		return err_sys(err, errno, "process.terminal: cannot make the pty raw");
	if (size && (size->ws_row || size->ws_col) && ioctl(slave, TIOCSWINSZ, size) < 0)
		return err_sys(err, errno, "process.consoleSize");
	*ret_master = steal_fd(&master);
	*ret_slave = steal_fd(&slave);
	return 0;
}

int terminal_send(int console, int master, struct err *err)
{
	char name[64];
	int number = 0, r;

	if (ioctl(master, TIOCGPTN, &number) < 0)
		return err_sys(err, errno, "process.terminal: cannot make a pty");
	(void)snprintf(name, sizeof(name), "/dev/pts/%d", number);
	r = fd_send(console, name, strlen(name), &master, 1);
	return r < 0 ? err_sys(err, r, "--console-socket: cannot send the terminal") : 0;
}

int terminal_make(int console, const struct winsize *size, int *ret_slave, struct err *err)
{
	autoclose int master = -1, slave = -1;
	int r = terminal_open(size, &master, &slave, err);

	if (r == 0 && ioctl(slave, TIOCSCTTY, 0) < 0)
		r = err_sys(err, errno, "process.terminal: cannot take the pty as controlling terminal");
	if (r == 0)
		r = terminal_send(console, master, err);
	if (r == 0)
		*ret_slave = steal_fd(&slave);
	return r;
}

int terminal_receive(int console, int *ret_master, struct err *err)
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
