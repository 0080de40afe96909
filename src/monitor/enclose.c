/* SPDX-License-Identifier: Apache-2.0 */
/* The monitor's way into its jail: see enclose.h, and jail.h for the steps. */
#include "monitor/enclose.h"

#include <errno.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "app/proctitle.h"
#include "base/fd.h"
#include "container/hooks.h"
#include "jail/jail.h"
#include "monitor/report.h"
#include "monitor/resolvers.h"
#include "monitor/syscalls.h"

/* The mode of a tmpfs that is mounted without the option mode: tmpfs(5). */
#define TMPFS_MODE 01777

int enclose_mounts(const struct monitor_job *job, struct err *err)
{
	return job->ns->fresh[SPEC_NS_MOUNT] ? jail_enter_mounts(ns_other_pids(job->ns), err) : 0;
}

/*
 * The hooks of create, in their order: create runs those of the host while this process waits, with the mount tree
 * built and not entered; then come those of the container. The guest boots after them: nothing of it runs before the
 * jail is entered, and hooks come before that.
 */
static int run_hooks(const struct monitor_job *job, int report, struct err *err)
{
	const struct hook_place place = { .dir = job->rootfs, .mount_ns = job->ns->fd[SPEC_NS_MOUNT], .cancel_fd = -1 };
	const struct report built = { .kind = REPORT_BUILT };
	struct state as_seen_here = *job->state;

	if (!hooks_at_create(job->spec))
		return 0;
	if (report_send(report, &built) < 0 || report_wait_go(report) < 0)
		return err_set(err, ECANCELED, "create has gone");
	as_seen_here.pid = getpid();
	return hooks_run(
		&job->spec->hooks->create_container, "createContainer", &as_seen_here, STATUS_CREATING, &place, err);
}

/* A tmpfs takes over the mode of the directory that it covers, but not of one that was made for it. */
static int keep_tmpfs_modes(const struct monitor_job *job, const struct jail_root *root, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < job->spec->mounts.n; i++) {
		if (jail_made_tmpfs_point(root, i))
			r = guest_translation_put_mode(job->translation, i, TMPFS_MODE);
	}
	return r < 0 ? err_sys(err, r, "mounts") : 0;
}

/*
 * Keeps what this process knows to itself: it is not traced and not read through /proc, also not by another monitor,
 * which has the same user; a crash leaves no core; and the caller's environment, with what an engine has in it, is
 * forgotten. The hooks, which come before, have the caller's limits and environment.
 */
static int close_memory(struct err *err)
{
	const struct rlimit no_core = { 0, 0 };

	proctitle_clear_environment();
	if (setrlimit(RLIMIT_CORE, &no_core) < 0)
		return err_sys(err, errno, "cannot forbid core dumps");
	/* A change of credentials sets this anew, so it comes after the last one. */
	return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ? err_sys(err, errno, "cannot become undumpable") : 0;
}

/* Whether the guest may make no device nodes in its root, and jail_build() has made none, which it does in a read-only one. */
static bool devices_are_ours(const struct monitor_job *job)
{
	return !job->vm->files->devices && !job->spec->root->readonly && !spec_namespace_find(job->spec, SPEC_NS_USER);
}

/*
 * What the monitor itself does to files: with the qemu engine QEMU serves them. In a user namespace a file whose group it
 * does not have is read as its owner (docs/9p.md), which takes more than reading does elsewhere, but nothing of the host's.
 */
static enum jail_service service_of(const struct monitor_job *job)
{
	if (job->vm->engine != VM_ENGINE_KVM)
		return JAIL_NO_FILES;
	return job->ns->user_fd >= 0 || binds_writable(job->binds, job->spec) ? JAIL_WRITES : JAIL_READS;
}

/*
 * Mounts the view of the container's processes, the last thing in the tree: from here on nothing in it may be looked up by
 * path. Without FUSE engines find what is below, the procfs of the monitor's pid namespace.
 */
static void mount_view(const struct monitor_job *job, const struct jail_root *root, struct enclose_view *view)
{
	ssize_t n = readlink("/proc/self/ns/pid", view->pid_ns, sizeof(view->pid_ns) - 1);

	view->pid_ns[MAX(n, 0)] = '\0';
	if (jail_mount_view(root, job->view_fd, &view->why) == 0)
		view->fd = job->view_fd;
	else
		fd_close(job->view_fd);
}

/*
 * Mounts what shows the container's tmpfs, of as many as have a descriptor, and says so to the guest. Where that cannot be,
 * engines find an empty directory. Without a @root there is no place for them.
 */
static void show_tmpfs(const struct monitor_job *job, const struct jail_root *root, struct enclose_tmpfs *ret)
{
	size_t next = 0;

	for (size_t i = 0;
		root && i < job->spec->mounts.n && next < ARRAY_LEN(job->tmpfs_fds) && job->tmpfs_fds[next] >= 0; i++) {
		if (jail_mount_tmpfs(root, i, job->tmpfs_fds[next]) < 0)
			continue;
		guest_translation_show(job->translation, i);
		ret->fds[ret->len++] = job->tmpfs_fds[next++];
	}
	for (; next < ARRAY_LEN(job->tmpfs_fds); next++)
		fd_close(job->tmpfs_fds[next]);
}

int enclose(const struct monitor_job *job, const struct vm *vm, int report, struct enclose_view *view,
	struct enclose_tmpfs *tmpfs, struct err *err)
{
	bool relays = job->sockets->n || job->given->len, resolvers = resolvers_possible(job);
	const struct vm_calls *const filter[] = { monitor_calls, vm_calls(vm),
		relays      ? monitor_relay_calls
		: resolvers ? monitor_resolver_calls
			    : NULL,
		relays && resolvers ? monitor_resolver_calls : NULL, NULL };
	bool own_mounts = job->ns->fresh[SPEC_NS_MOUNT];
	struct jail_root *root = NULL;
	int r = 0;

	*view = (struct enclose_view){ .fd = -1 };
	*tmpfs = (struct enclose_tmpfs){ .len = 0 };
	if (own_mounts)
		r = jail_build(job->spec, guest_translation_container(job->translation), job->rootfs, job->binds,
			ns_other_pids(job->ns), &root, err);
	else
		r = binds_make_points(job->binds, job->spec, guest_translation_container(job->translation), err);
	if (r == 0 && root && devices_are_ours(job))
		r = jail_make_devices(root, err);
	if (r == 0 && root)
		r = keep_tmpfs_modes(job, root, err);
	if (r == 0)
		r = run_hooks(job, report, err);
	if (r == 0)
		show_tmpfs(job, root, tmpfs);
	if (r == 0 && root)
		mount_view(job, root, view);
	if (r == 0)
		r = own_mounts ? jail_pivot(root, err) : jail_chroot(job->ns->fd[SPEC_NS_MOUNT], err);
	jail_root_free(root);
	if (r == 0 && job->ns->user_fd >= 0)
		r = jail_enter_user(job->ns->user_fd, &job->ns->owners, err);
	if (r == 0)
		r = jail_drop(service_of(job), job->vm->files, err);
	if (r == 0)
		r = close_memory(err);
	if (r == 0)
		r = jail_seccomp(filter, err);
	return r;
}
