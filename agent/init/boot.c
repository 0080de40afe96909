/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the kernel's execve(2) of /init to an open port: see boot.h.
 *
 * The kernel unpacks the initramfs into rootfs, which pivot_root(2) cannot leave. So the agent moves to a tmpfs of its
 * own first; a container's mount namespace then starts from that, and can leave it.
 */
#include "init/boot.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/netif.h"
#include "base/tags.h"
#include "init/cgroup.h"
#include "init/network.h"
#include "sys/log.h"
#include "sys/sandbox.h"
#include "sys/sys.h"

#define PORTS_DIR "/sys/class/virtio-ports"

/* How long a port may take to appear, or the host to connect to it: an emulated guest on a busy machine is slow. */
#define PORT_TIMEOUT_MS 30000

#define MODULE_LIST_MAX (64 * 1024)
#define NEW_ROOT "/newroot"
#define SHARES "/shares"

struct boot_mount {
	const char *type, *at;
	unsigned long flags;
	const char *data;
};

/* Makes and mounts @mounts in order. 0 or -errno with @err set. */
static int boot_mount_all(const struct boot_mount *mounts, size_t n, struct err *err)
{
	for (size_t i = 0; i < n; i++) {
		const struct boot_mount *m = &mounts[i];

		if (mkdir(m->at, 0755) < 0 && errno != EEXIST)
			return err_sys(err, errno, "cannot make %s", m->at);
		if (mount(m->type, m->at, m->type, m->flags, m->data) < 0)
			return err_sys(err, errno, "cannot mount %s", m->at);
	}
	return 0;
}

/* --- modules --- */

static int boot_load_module(int dir, const char *name, struct err *err)
{
	autoclose int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return err_sys(err, errno, "cannot open module \"%s\"", name);
	if (syscall(SYS_finit_module, fd, "", 0) < 0 && errno != EEXIST)
		return err_sys(err, errno, "cannot load module \"%s\"", name);
	(void)unlinkat(dir, name, 0); /* frees its memory; if that fails, nothing else is lost */
	return 0;
}

/* Loads what /modules/order lists, a name a line, in that order. There is no list if all that we need is built in. */
static int boot_load_modules(struct err *err)
{
	autoclose int dir = open("/modules", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	autofree char *list = NULL;
	char *save = NULL;
	int r;

	if (dir < 0)
		return errno == ENOENT ? 0 : err_sys(err, errno, "cannot open /modules");
	r = fd_read_file(dir, "order", MODULE_LIST_MAX, &list, NULL);
	if (r < 0)
		return r == -ENOENT ? 0 : err_sys(err, r, "cannot read /modules/order");
	for (char *name = strtok_r(list, "\n", &save); name; name = strtok_r(NULL, "\n", &save)) {
		r = boot_load_module(dir, name, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* --- the machine --- */

/* Makes a tmpfs with proc, sysfs and devtmpfs the root. 0 or -errno with @err set. */
static int boot_leave_initramfs(struct err *err)
{
	static const struct boot_mount mounts[] = {
		{ "proc", NEW_ROOT "/proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, "" },
		{ "sysfs", NEW_ROOT "/sys", MS_NOSUID | MS_NODEV | MS_NOEXEC, "" },
		{ "devtmpfs", NEW_ROOT "/dev", MS_NOSUID | MS_NOEXEC, "mode=0755" },
	};
	static const struct boot_mount root = { "tmpfs", NEW_ROOT, 0, "mode=0755" };
	int r = boot_mount_all(&root, 1, err);

	if (r == 0)
		r = boot_mount_all(mounts, ARRAY_LEN(mounts), err);
	if (r < 0)
		return r;
	if (chdir(NEW_ROOT) < 0 || mount(".", "/", NULL, MS_MOVE, NULL) < 0 || chroot(".") < 0 || chdir("/") < 0)
		return err_sys(err, errno, "cannot leave the initramfs");
	return 0;
}

/* Has the kernel write dirty pages back at once; without that it works, but the host sees files late. */
static void boot_set_sysctls(const struct agent *agent)
{
	static const struct {
		const char *path, *value, *why;
	} sysctls[] = {
		/* sandbox.c says why */
		{ "/proc/sys/vm/dirty_writeback_centisecs", "1", "write-back" },
		{ "/proc/sys/vm/dirty_expire_centisecs", "0", "write-back" },
	};

	for (size_t i = 0; i < ARRAY_LEN(sysctls); i++) {
		int r = fd_write_existing(AT_FDCWD, sysctls[i].path, sysctls[i].value);

		if (r < 0)
			log_write(agent, PROTO_LOG_WARN, "cannot set %s (%s): %s", sysctls[i].path, sysctls[i].why,
				strerror(-r));
	}
}

static void boot_raise_loopback(const struct agent *agent)
{
	struct err err = ERR_INIT;

	if (netif_loopback_up(&err) < 0)
		log_write(agent, PROTO_LOG_WARN, "%s", err.msg);
}

/* Makes @shares and the directories in it that sandbox.h names. 0 or -errno with @err set. */
static int boot_make_shares(const char *shares, struct err *err)
{
	static const char *const names[] = { "", "/" SANDBOX_PRIVATE, "/" SANDBOX_SHARED, "/" SANDBOX_ROOT,
		"/" SANDBOX_DEVICES, "/" SANDBOX_SYSFS };
	char path[256];

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if ((size_t)snprintf(path, sizeof(path), "%s%s", shares, names[i]) >= sizeof(path))
			return err_set(err, ENAMETOOLONG, "%s", shares);
		if (mkdir(path, 0755) < 0 && errno != EEXIST)
			return err_sys(err, errno, "cannot make %s", path);
	}
	return 0;
}

/* --- the port --- */

/* Writes the path of the device of the port named TAG_PORT to @ret. False if it is not there yet. */
static bool port_find(char *ret, size_t size)
{
	DIR *dir = opendir(PORTS_DIR);
	struct dirent *e;
	bool found = false;

	while (dir && !found && (e = readdir(dir))) {
		autofree char *name = NULL;
		char path[512];

		(void)snprintf(path, sizeof(path), "%s/name", e->d_name); /* fits: NAME_MAX */
		if (e->d_name[0] == '.' || fd_read_file(dirfd(dir), path, 256, &name, NULL) < 0)
			continue;
		name[strcspn(name, "\n")] = '\0';
		found = strcmp(name, TAG_PORT) == 0;
		(void)snprintf(ret, size, "/dev/%s", e->d_name);
	}
	if (dir)
		(void)closedir(dir);
	return found;
}

/* A socket on which the kernel tells of new devices, or -1 with errno. */
static int uevents_open(void)
{
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK, .nl_groups = 1 };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT);

	if (fd >= 0 && bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0) {
		fd_close(fd);
		return -1;
	}
	return fd;
}

/* Waits for the port, and writes the path of its device to @ret. 0 or -errno with @err set. */
static int port_wait(char *ret, size_t size, struct err *err)
{
	int64_t end = clock_now_ms() + PORT_TIMEOUT_MS;
	autoclose int events = uevents_open();
	char dropped[8192];

	if (events < 0)
		return err_sys(err, errno, "cannot listen for devices");
	while (!port_find(ret, size)) { /* the socket is open by now, so that no device is missed */
		struct pollfd p = { .fd = events, .events = POLLIN };
		int64_t now = clock_now_ms();

		if (now >= end)
			return err_set(err, ENODEV, "the VM has no port named \"%s\"", TAG_PORT);
		if (poll(&p, 1, (int)(end - now)) > 0) {
			while (recv(events, dropped, sizeof(dropped), 0) > 0)
				; /* whichever device came, the port is looked for again */
		}
	}
	return 0;
}

/*
 * Waits until the host has opened its end of the port @fd. Until then poll(2) gives POLLHUP at once, so what is waited
 * for is a change (EPOLLET). 0 or -errno with @err set.
 */
static int port_wait_host(int fd, struct err *err)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLOUT | EPOLLET };
	int64_t end = clock_now_ms() + PORT_TIMEOUT_MS;
	autoclose int ep = epoll_create1(EPOLL_CLOEXEC);

	if (ep < 0 || epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev) < 0)
		return err_sys(err, errno, "cannot watch the port");
	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN | POLLOUT };
		int64_t now = clock_now_ms();

		if (poll(&p, 1, 0) > 0 && !(p.revents & POLLHUP))
			return 0;
		if (now >= end)
			return err_set(err, ETIMEDOUT, "the host did not open its side of the port");
		(void)epoll_wait(ep, &ev, 1, (int)(end - now)); /* whatever it gives, poll(2) is asked again */
	}
}

static int boot_open_port(struct agent *agent, struct err *err)
{
	char path[300];
	int r = port_wait(path, sizeof(path), err);

	if (r < 0)
		return r;
	agent->channel_fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (agent->channel_fd < 0)
		return err_sys(err, errno, "cannot open %s", path);
	return port_wait_host(agent->channel_fd, err);
}

int boot_machine(struct agent *agent, struct err *err)
{
	static const struct boot_mount cgroup = { "cgroup2", "/sys/fs/cgroup", MS_NOSUID | MS_NODEV | MS_NOEXEC, "" };
	int r = boot_load_modules(err);

	if (r == 0)
		r = boot_leave_initramfs(err);
	if (r == 0)
		r = boot_mount_all(&cgroup, 1, err);
	if (r < 0)
		return r;
	agent->shares = SHARES;
	agent->cgroup = cgroup.at;
	cgroup_enable_all(agent, cgroup.at);
	boot_set_sysctls(agent);
	boot_raise_loopback(agent);
	network_park(agent);
	r = fd_write_existing(AT_FDCWD, "/proc/self/oom_score_adj", "-1000");
	if (r < 0)
		log_write(agent, PROTO_LOG_WARN, "the OOM killer may take the agent: %s", strerror(-r));
	r = boot_make_shares(agent->shares, err);
	return r == 0 ? boot_open_port(agent, err) : r;
}

int boot_native(struct agent *agent, struct err *err)
{
	return boot_make_shares(agent->shares, err);
}
