/* SPDX-License-Identifier: Apache-2.0 */
/*
 * QEMU's mount namespace: see stage.h.
 *
 *   monitor                         stager                      QEMU
 *   stage_open   --- fork -------->  unshare, tmpfs on DIR
 *                <-- reply --------
 *   (fork QEMU)  ------------------------------------------->   setns, chdir DIR, exec
 *   stage_add    --- name, fd ---->  mkdir, move_mount
 *                <-- reply --------
 *   stage_seal   --- QEMU's pid -->  pivot_root, umount the host
 *                <-- reply --------  exit
 *
 * pivot_root(2) moves the root of every process of the namespace whose root is the old one. So QEMU is locked in
 * without a privilege of its own, after it has opened what it needs. A request is one packet with at most one
 * descriptor; a reply is a whole struct err. Each side ends when the other one has gone.
 */
#include "vm/qemu/stage.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/exit.h"
#include "base/fd.h"

#define STAGE_TMPFS_OPTS "mode=0755,size=1m,nr_inodes=16k" /* holds nothing but mount points */
#define STAGE_NAME_MAX 1024 /* of an export: an id (<= 255), a number and a file name, with room */

enum stage_op { STAGE_ADD, STAGE_SEAL };

struct stage_req {
	uint32_t op;    /* enum stage_op */
	uint32_t share; /* ADD: enum vm_share */
	uint32_t flags; /* ADD: enum vm_share_flags */
	int32_t qemu;   /* SEAL: QEMU's pid */
	char name[STAGE_NAME_MAX];
};

static const char *const share_tags[VM_SHARES] = {
	[VM_SHARE_PRIVATE] = TAG_PRIVATE,
	[VM_SHARE_SHARED] = TAG_SHARED,
};

/* --- the stager --- */

/*
 * Covers /dev/kvm, which belongs to root, by a node of the same device that anybody may open: QEMU is nobody of the host's
 * in its user namespace, and no other process is in this mount namespace. @dir: an empty directory, left as it was.
 */
static int stager_open_kvm(const char *dir, struct err *err)
{
	char path[PATH_MAX];
	autoclose int node = -1;
	struct stat st;

	if (snprintf(path, sizeof(path), "%s/kvm", dir) >= (int)sizeof(path))
		return err_set(err, ENAMETOOLONG, "qemu: \"%s\": path too long", dir);
	if (stat("/dev/kvm", &st) < 0)
		return err_sys(err, errno, "qemu: \"/dev/kvm\"");
	if (mount("vmrunc", dir, "tmpfs", MS_NOSUID | MS_NOEXEC, "mode=0755,size=4k,nr_inodes=4") < 0)
		return err_sys(err, errno, "qemu: cannot mount a tmpfs on \"%s\"", dir);
	if (mknod(path, S_IFCHR, st.st_rdev) < 0 || chmod(path, 0666) < 0)
		return err_sys(err, errno, "qemu: cannot make \"%s\"", path);
	node = open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (node < 0 || umount2(dir, MNT_DETACH) < 0 ||
		move_mount(node, "", AT_FDCWD, "/dev/kvm", MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return err_sys(err, errno, "qemu: cannot cover \"/dev/kvm\"");
	return 0;
}

/* Makes the namespace and the tree, which is the working directory from then on. */
static int stager_make_tree(const char *dir, bool open_kvm, struct err *err)
{
	if (unshare(CLONE_NEWNS) < 0)
		return err_sys(err, errno, "qemu: cannot make a mount namespace");
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return err_sys(err, errno, "qemu: cannot make the mounts private");
	/* The /proc that is there may show another pid namespace than ours, which QEMU's number counts in. */
	if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0)
		return err_sys(err, errno, "qemu: cannot mount its /proc");
	if (open_kvm && stager_open_kvm(dir, err) < 0)
		return -err->errnum;
	if (mount("vmrunc", dir, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, STAGE_TMPFS_OPTS) < 0)
		return err_sys(err, errno, "qemu: cannot mount a tmpfs on \"%s\"", dir);
	if (chdir(dir) < 0)
		return err_sys(err, errno, "qemu: cannot enter \"%s\"", dir);
	for (int i = 0; i < VM_SHARES; i++) {
		if (mkdir(share_tags[i], 0755) < 0)
			return err_sys(err, errno, "qemu: cannot make \"%s/%s\"", dir, share_tags[i]);
	}
	return 0;
}

/* Makes the directories above @path, and at @path a directory or a file that a mount can cover. */
static int stager_make_target(char *path, bool directory)
{
	for (char *p = strchr(path, '/'); p; p = strchr(p + 1, '/')) {
		*p = '\0';
		if (mkdir(path, 0755) < 0 && errno != EEXIST)
			return -errno;
		*p = '/';
	}
	if (directory)
		return mkdir(path, 0755) < 0 ? -errno : 0;
	return mknod(path, S_IFREG | 0444, 0) < 0 ? -errno : 0;
}

/* Mounts the export @fd at its place in the tree. */
static int stager_add(const struct stage_req *req, int fd, struct err *err)
{
	char path[STAGE_NAME_MAX + 16];
	struct stat st;
	int r;

	if (fd < 0 || req->share >= VM_SHARES || !memchr(req->name, '\0', sizeof(req->name)))
		return err_set(err, EINVAL, "qemu: broken request to add an export");
	(void)snprintf(path, sizeof(path), "%s/%s", share_tags[req->share], req->name); /* fits */
	if (fstat(fd, &st) < 0)
		return err_sys(err, errno, "qemu: export \"%s\"", path);
	if (req->flags & VM_SHARE_READ_ONLY) {
		struct mount_attr ro = { .attr_set = MOUNT_ATTR_RDONLY };

		if (mount_setattr(fd, "", AT_EMPTY_PATH | AT_RECURSIVE, &ro, sizeof(ro)) < 0)
			return err_sys(err, errno, "qemu: export \"%s\": cannot make it read-only", path);
	}
	r = stager_make_target(path, S_ISDIR(st.st_mode));
	if (r < 0)
		return err_sys(err, r, "qemu: export \"%s\"", path);
	if (move_mount(fd, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return err_sys(err, errno, "qemu: export \"%s\": cannot mount it", path);
	return 0;
}

/* Mounts the only part of /proc that QEMU keeps: its 9P server reaches files through /proc/self/fd/N. */
static int stager_keep_fds(pid_t qemu, struct err *err)
{
	struct mount_attr ro = { .attr_set = MOUNT_ATTR_RDONLY };
	char fds[64];

	(void)snprintf(fds, sizeof(fds), "/proc/%d/fd", (int)qemu); /* fits */
	if (mkdir("proc", 0755) < 0 || mkdir("proc/self", 0755) < 0 || mkdir("proc/self/fd", 0755) < 0)
		return err_sys(err, errno, "qemu: cannot make its /proc");
	if (mount(fds, "proc/self/fd", NULL, MS_BIND, NULL) < 0 ||
		mount_setattr(AT_FDCWD, "proc/self/fd", 0, &ro, sizeof(ro)) < 0)
		return err_sys(err, errno, "qemu: cannot mount \"%s\"", fds);
	return 0;
}

/* Makes the tree read-only, and the root of everybody in the namespace. */
static int stager_seal(const struct stage_req *req, struct err *err)
{
	struct mount_attr ro = { .attr_set = MOUNT_ATTR_RDONLY };
	int r = stager_keep_fds(req->qemu, err);

	if (r < 0)
		return r;
	if (mount_setattr(AT_FDCWD, ".", 0, &ro, sizeof(ro)) < 0)
		return err_sys(err, errno, "qemu: cannot make the tree of exports read-only");
	/* pivot_root(2) puts the old root over the new one, on our working directory: it is detached there. */
	if (syscall(SYS_pivot_root, ".", ".") < 0)
		return err_sys(err, errno, "qemu: cannot lock it into its tree of exports: pivot_root");
	if (umount2(".", MNT_DETACH) < 0)
		return err_sys(err, errno, "qemu: cannot detach the host's mounts");
	return 0;
}

/* The stager's whole life. Its replies say what happened; nobody looks at its exit status. */
static _Noreturn void stager_main(const char *dir, bool open_kvm, int sock)
{
	struct err err = ERR_INIT;
	bool done = stager_make_tree(dir, open_kvm, &err) < 0;

	while (fd_send(sock, &err, sizeof(err), NULL, 0) == 0 && !done) {
		struct stage_req req;
		int fd = -1;
		size_t nfds = 0;

		if (fd_recv(sock, &req, sizeof(req), &fd, 1, &nfds) != (ssize_t)sizeof(req))
			break;
		err = (struct err)ERR_INIT;
		if (req.op == STAGE_ADD)
			(void)stager_add(&req, nfds ? fd : -1, &err); /* @err is the reply */
		done = req.op == STAGE_SEAL;
		if (done)
			(void)stager_seal(&req, &err); /* @err is the reply */
		if (nfds)
			fd_close(fd);
	}
	_exit(0);
}

/*
 * Closes everything of the monitor's but @sock. Above all, nobody may hold the container's standard streams open here.
 */
static void stager_keep_only(int sock)
{
	int null_fd;

	if (fd_close_others(&sock, 1) < 0)
		_exit(1);
	null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (dup2(null_fd, fd) < 0)
			_exit(1);
	fd_close(null_fd);
}

/* --- the monitor's side --- */

static int stage_reply(struct stage *st, struct err *err)
{
	struct err reply;
	size_t nfds;
	ssize_t n = fd_recv(st->sock, &reply, sizeof(reply), NULL, 0, &nfds);

	if (n != (ssize_t)sizeof(reply))
		return err_set(err, EPIPE, "qemu: the process that prepares its mounts died");
	reply.msg[sizeof(reply.msg) - 1] = '\0';
	if (!reply.errnum)
		return 0;
	return err_set(err, reply.errnum, "%s", reply.msg);
}

int stage_open(struct stage *st, const char *dir, bool open_kvm, struct err *err)
{
	pid_t parent = getpid();
	int socks[2];
	int r;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, socks) < 0)
		return err_sys(err, errno, "qemu: socketpair");
	st->pid = fork();
	if (st->pid < 0) {
		r = err_sys(err, errno, "qemu: fork");
		st->pid = 0;
		fd_close(socks[0]);
		fd_close(socks[1]);
		return r;
	}
	if (st->pid == 0) {
		if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || (getppid() != parent && getppid() != 0))
			_exit(1);
		stager_keep_only(socks[1]);
		stager_main(dir, open_kvm, socks[1]);
	}
	fd_close(socks[1]);
	st->sock = socks[0];
	st->pidfd = fd_open_pid(st->pid);
	r = st->pidfd < 0 ? err_sys(err, st->pidfd, "qemu: pidfd_open") : stage_reply(st, err);
	if (r < 0)
		stage_done(st);
	return r;
}

static int stage_ask(struct stage *st, const struct stage_req *req, const int *fd, struct err *err)
{
	int r;

	if (!st->pid)
		return err_set(err, EINVAL, "qemu: the VM runs: no export can be added");
	r = fd_send(st->sock, req, sizeof(*req), fd, fd ? 1 : 0);
	if (r < 0)
		return err_sys(err, r, "qemu: the process that prepares its mounts");
	return stage_reply(st, err);
}

int stage_add(struct stage *st, enum vm_share share, const char *name, int fd, unsigned int flags, struct err *err)
{
	struct stage_req req = { .op = STAGE_ADD, .share = share, .flags = flags };

	if (strlen(name) >= sizeof(req.name))
		return err_set(err, ENAMETOOLONG, "qemu: export \"%s\": its name is too long", name);
	(void)snprintf(req.name, sizeof(req.name), "%s", name); /* fits: just checked */
	return stage_ask(st, &req, &fd, err);
}

int stage_seal(struct stage *st, pid_t qemu, struct err *err)
{
	struct stage_req req = { .op = STAGE_SEAL, .qemu = qemu };
	int r = stage_ask(st, &req, NULL, err);

	stage_done(st);
	return r;
}

void stage_done(struct stage *st)
{
	if (st->pid > 0) {
		/* It may have ended by itself. Without its descriptor it has only just been forked, before the jail. */
		if (st->pidfd >= 0)
			(void)syscall(SYS_pidfd_send_signal, st->pidfd, SIGKILL, NULL, 0);
		else
			(void)kill(st->pid, SIGKILL);
		(void)exit_wait(st->pid, NULL);
	}
	fd_close(st->pidfd);
	fd_close(st->sock);
	*st = (struct stage)STAGE_INIT;
}
