/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host directories and files of a container: its root and its bind sources.
 *
 * Each of them is cloned twice as a detached mount (open_tree(2)), while the process is still in the caller's mount
 * namespace: one clone becomes the export that the guest sees, the other is mounted into the monitor's root. Nothing is
 * mounted in the caller's namespace, and nothing is looked up by path later. The clones are private: what is mounted on
 * them does not spread to other namespaces.
 */
#ifndef JAIL_BINDS_H
#define JAIL_BINDS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/base.h"
#include "base/err.h"
#include "guest/translate.h"
#include "host/file_policy.h"
#include "jail/landlock.h"
#include "spec/spec.h"
#include "vm/vm.h"

/* Relative path of an export: "CID/12/name". */
#define BIND_NAME_MAX 640

struct bind {
	size_t mount;  /* index into spec->mounts */
	int jail_fd;   /* the clone for the jail; -1: it has been moved there */
	int export_fd; /* the clone for the guest; -1: it has been handed to the VM */
	mode_t type;   /* S_IFDIR, S_IFREG ... */
	bool dir;
	bool readonly;
	uint32_t flags;           /* MS_*, all that the mount gets: mountopts_bind() */
	char name[BIND_NAME_MAX]; /* of the export */
	/* the source is this path below the root, where an earlier mount is: nothing is cloned; NULL: it is the host's */
	const char *inside;
};

struct binds {
	int root_jail_fd, root_export_fd;
	char root_name[BIND_NAME_MAX];
	size_t n;
	struct bind *v;
	struct guest_export *exports; /* the same binds in the form of guest_translate() */
};

#define BINDS_NONE                                       \
	{                                                \
		.root_jail_fd = -1, .root_export_fd = -1 \
	}

/* Closes the clones that nobody has taken, and makes @b empty again. */
void binds_done(struct binds *b);

/*
 * Clones @rootfs, every bind source of @spec, and every overlay of the host's directories, which is mounted for that;
 * relative sources start at @bundle, and the names of the exports at @cid. @b: BINDS_NONE; the caller ends it with binds_done() in any case. 0, or -errno with an error.
 */
must_check int binds_open(const struct spec *spec, const char *bundle, const char *rootfs, const char *cid,
	struct binds *b, struct err *err);

/*
 * Where no tree is built: makes in a rootfs that @spec wants read-only what the agent cannot make there for @container
 * (points.h), and closes the clones for the jail. 0, or -errno with an error.
 */
must_check int binds_make_points(
	struct binds *b, const struct spec *spec, const struct guest_container *container, struct err *err);

/*
 * Hands the clones for the guest to @vm, and tells @landlock of them. What @spec wants read-only, the root and volumes, is so by its mounts and for
 * the VM's file server, and so is a volume of the kernel's own (host/kernel_fs.h) that @files forbids to write to. 0, or
 * -errno with an error.
 */
must_check int binds_share(struct binds *b, const struct spec *spec, const struct file_policy *files,
	const struct landlock *landlock, struct vm *vm, struct err *err);

/* Whether the guest may write to anything of @b, as @spec has it. */
bool binds_writable(const struct binds *b, const struct spec *spec);

/* The list of exports for guest_translate(); it borrows from @b. */
struct guest_export_list binds_exports(const struct binds *b);

/* Whether mount @m is a new bind mount, by its options or by its type. */
bool binds_is_bind(const struct spec_mount *m);

#endif
