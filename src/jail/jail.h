/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The monitor's jail: the container's root as runc would build it on the host.
 *
 * One tree serves two purposes. Engines enter the monitor's mount namespace and expect the container's files there
 * (podman cp, podman top); and a guest that has broken out of the VM into the monitor finds nothing else. The steps, in
 * their order:
 *
 *   jail_enter_mounts()  the monitor gets its own mount namespace, to and from which nothing propagates, with the
 *                        /proc of its pid namespace
 *   jail_open_fds()      opens what file service and stdio need of /proc
 *   (vm_new(): the VM is built, which needs the host's paths)
 *   jail_build()         mounts root, bind mounts and /proc at the root's path on the host
 *   (createContainer hooks)
 *   jail_mount_view()    covers that /proc with one that this process serves to those who look into the tree
 *   jail_mount_tmpfs()   likewise each tmpfs in which nothing is mounted
 *   jail_pivot()         enters that tree, and unmounts the host's
 *   jail_enter_user()    enters the monitor's own user namespace, if it gets one
 *   jail_drop()          reduces capabilities and the bounding set to what file service needs; no_new_privs
 *   jail_seccomp()       loads the system call filter: the last step before vm_start()
 *
 * Without a mount namespace of its own (the config lists none, or one by path) the monitor may mount nothing. Then
 * jail_chroot() takes the place of jail_enter_mounts(), jail_build() and jail_pivot(): it makes an empty tree, which
 * belongs to no namespace, the monitor's root.
 *
 * The tmpfs mounts of the config exist here too, but empty and read-only where no FUSE file system covers them: their
 * contents are in the guest, and what is written here would be lost silently. What stands for a devpts has names of terminals.
 */
#ifndef JAIL_JAIL_H
#define JAIL_JAIL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/base.h"
#include "base/err.h"
#include "guest/translate.h"
#include "host/file_policy.h"
#include "host/owners.h"
#include "host/thread.h"
#include "jail/binds.h"
#include "spec/spec.h"
#include "vm/vm.h"

/*
 * Gives the calling process a mount namespace of its own. @own_pids: the process is in another pid namespace than the
 * mounted /proc belongs to, so it gets a /proc of its own as well. 0, or -errno with an error.
 */
must_check int jail_enter_mounts(bool own_pids, struct err *err);

/*
 * Opens this process's /proc/self/fd as a detached, read-only mount of that directory alone, from which no path leads
 * to the rest of /proc. Returns the descriptor, which the caller owns, or -errno with an error.
 */
must_check int jail_open_fds(struct err *err);

/* A tree that has been built and not been entered yet. */
struct jail_root;

/*
 * Attaches the clones of @binds, whose jail_fds it takes, and the other mounts of @spec to a tree at @rootfs, the path
 * of the root on the host. In a root that will be read-only, it makes what the agent cannot (points.h): @container is
 * what the agent gets. @own_pids: as above. @spec and @binds must outlive *@ret. 0, or -errno with an error.
 */
must_check int jail_build(const struct spec *spec, const struct guest_container *container, const char *rootfs,
	struct binds *binds, bool own_pids, struct jail_root **ret, struct err *err);

/*
 * Makes the nodes of the config's devices in the rootfs, for a guest that may make none there; those of a read-only root
 * are made by jail_build() already. 0, or -errno with an error.
 */
must_check int jail_make_devices(const struct jail_root *root, struct err *err);

/* Opens /dev/fuse for jail_mount_view(): a descriptor, which is the caller's, or -errno: there is none for this process. */
must_check int jail_open_view(void);

/*
 * Mounts the FUSE file system that is served on @fd, jail_open_view()'s of this process or of one before it in the same user
 * namespace (or -errno), at /proc in the tree, over what is there, for readers in that user namespace and those below it.
 * Whoever looks into it from then on waits until this process serves it (fuse/fuse.h), so it comes last before jail_pivot(). 0,
 * or -errno with an error: this process may mount none, or the tree has no /proc.
 */
must_check int jail_mount_view(const struct jail_root *root, int fd, struct err *err);

/*
 * How many tmpfs of the config jail_mount_tmpfs() may have something to do for: those that are not at /dev, which has other
 * mounts in it.
 */
size_t jail_count_shown(const struct spec *spec);

/*
 * Mounts the FUSE file system that is served on @fd, as above, over mount number @mount of the config, if that is a tmpfs
 * in which nothing is mounted, and which nothing covers. 0; -ENOENT: it is none; or another -errno.
 */
must_check int jail_mount_tmpfs(const struct jail_root *root, size_t mount, int fd);

/* Frees @root, not what is mounted. Accepts NULL. */
void jail_root_free(struct jail_root *root);

/*
 * Whether mount number @mount of the config is a tmpfs for which jail_build() made the mount point: there is no mode of
 * a directory then that it could take over.
 */
bool jail_made_tmpfs_point(const struct jail_root *root, size_t mount);

/* Makes @root the root of the process's mount namespace, and unmounts the host's tree. 0, or -errno with an error. */
must_check int jail_pivot(struct jail_root *root, struct err *err);

/*
 * Makes an empty tree the root of this process, after it has joined the mount namespace @mount_ns (borrowed; -1: it
 * stays in its own). 0, or -errno with an error.
 */
must_check int jail_chroot(int mount_ns, struct err *err);

/*
 * Enters the user namespace @user_ns (borrowed) and becomes who @owners says there. The process has all capabilities in
 * it, but none over what belongs to other user namespaces, nor over files whose owner or group has no number there. 0, or
 * -errno with an error.
 */
must_check int jail_enter_user(int user_ns, const struct owner_maps *owners, struct err *err);

/* What the process does to files for the guest. */
enum jail_service {
	JAIL_NO_FILES, /* nothing: another process does */
	JAIL_READS,    /* none of its exports can be written to */
	JAIL_WRITES,
};

/*
 * Gives up, for good, all capabilities but those that @service needs for what @files allows; the process must be
 * single-threaded. 0, or -errno with an error.
 */
must_check int jail_drop(enum jail_service service, const struct file_policy *files, struct err *err);

/*
 * Loads the system call filter for this process and all its threads: what is in @sets (NULL at the end; each set is a
 * list of lists that ends with names of NULL) works, and what libc needs besides. If @sets has calls of several roles
 * (host/thread.h), each thread that is started from then on may make those of its role only, and so may the calling thread
 * when it has called jail_seccomp_loop(). 0, or -errno with an error. Single-threaded.
 */
must_check int jail_seccomp(const struct vm_calls *const *sets, struct err *err);

/*
 * The last step, when all threads of other roles are started, of which the calling thread makes no more: it has the calls
 * of the loop left. 0, or -errno with an error.
 */
must_check int jail_seccomp_loop(struct err *err);

/*
 * How many system calls, each counted once whatever its arguments, threads of @role may make of what is in @sets, with
 * what jail_seccomp() adds: or -errno.
 */
must_check int jail_seccomp_count(const struct vm_calls *const *sets, enum thread_role role);

#endif
