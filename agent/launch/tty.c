/* SPDX-License-Identifier: Apache-2.0 */
/* A process's terminal: see tty.h. */
#include "launch/tty.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/vfs.h>
#include <termios.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/rootpath.h"
#include "launch/tell.h"
#include "sys/sys.h"

#ifndef TIOCGPTPEER
#define TIOCGPTPEER _IO('T', 0x41)
#endif

/* Has the terminal write a line's end as it is. 0, or -1 with errno. */
static int clear_onlcr(int slave)
{
	struct termios t;

	if (tcgetattr(slave, &t) < 0)
		return -1;
	t.c_oflag &= ~(tcflag_t)ONLCR;
	return tcsetattr(slave, TCSANOW, &t);
}

int tty_open(const struct launch *l, int root, int *ret_slave, struct err *err)
{
	const struct guest_process *p = l->process;
	struct winsize ws = { .ws_row = p->rows, .ws_col = p->cols };
	/*
	 * Not /dev/ptmx, which the rootfs may have made a link to anything; and what is there must be a devpts. Before that
	 * is seen it may be a device that lets one wait.
	 */
	autoclose int master = rootpath_open(root, "/dev/pts/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK);
	autoclose int slave = -1;
	struct statfs fs;
	int unlock = 0;

	if (master < 0)
		return err_sys(err, master, "process.terminal: cannot open /dev/pts/ptmx in the container");
	if (fstatfs(master, &fs) < 0 || fs.f_type != DEVPTS_SUPER_MAGIC)
		return err_set(err, ENODEV, "process.terminal: /dev/pts is not a devpts");
	if (ioctl(master, TIOCSPTLCK, &unlock) < 0)
		return err_sys(err, errno, "process.terminal: cannot unlock the terminal");
	slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0)
		return err_sys(err, errno, "process.terminal: cannot open the terminal");
	if (p->lf_only && clear_onlcr(slave) < 0)
		return err_sys(err, errno, "process.terminal: cannot set the terminal's mode");
	if ((p->rows || p->cols) && ioctl(master, TIOCSWINSZ, &ws) < 0)
		return err_sys(err, errno, "process.consoleSize");
	if (tell_say(l->sync, TELL_TTY, master) < 0)
		return err_set(err, EPIPE, "process.terminal: the agent does not take the terminal");
	*ret_slave = steal_fd(&slave);
	return 0;
}

int tty_bind_console(int root, int slave, struct err *err)
{
	autoclose int at = rootpath_make(root, "/dev/console", ROOTPATH_FILE, NULL);
	autoclose int copy = -1;

	if (at < 0)
		return err_sys(err, at, "cannot make /dev/console");
	copy = sys_open_tree(slave, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
	if (copy < 0 || sys_move_mount(copy, at) < 0)
		return err_sys(err, errno, "cannot make the terminal the container's console");
	return 0;
}

int tty_make_controlling(struct err *err)
{
	if (ioctl(0, TIOCSCTTY, 0) < 0)
		return err_sys(err, errno, "process.terminal: cannot make it the controlling terminal");
	return 0;
}
