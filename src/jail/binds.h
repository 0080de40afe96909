/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host directories and files of a container: its root and bind sources.
 *
 * Each is cloned as a detached mount (open_tree(2)) while the caller's mount
 * namespace is still there, twice: one copy becomes the export that the guest
 * sees, the other is mounted into the monitor's root. Nothing is mounted in
 * the caller's namespace, and nothing is looked up by path later. The clones
 * are private: what is mounted on them reaches nobody else.
 */
#ifndef JAIL_BINDS_H
#define JAIL_BINDS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/base.h"
#include "base/err.h"
#include "guest/translate.h"
#include "spec/spec.h"
#include "vm/vm.h"

/* Relative path of an export: "CID/12/name". */
#define BIND_NAME_MAX 640

struct bind {
	size_t mount;  /* index into spec->mounts */
	int jail_fd;   /* -1: moved into the jail */
	int export_fd; /* -1: handed to the VM */
	bool dir;
	bool readonly;
	char name[BIND_NAME_MAX]; /* of the export */
};

struct binds {
	int root_jail_fd, root_export_fd;
	char root_name[BIND_NAME_MAX];
	size_t n;
	struct bind *v;
	struct guest_export *exports; /* the same, as the translation wants it */
};

#define BINDS_NONE                                       \
	{                                                \
		.root_jail_fd = -1, .root_export_fd = -1 \
	}

void binds_done(struct binds *b);

/* Opens @rootfs and every bind source of @spec; relative ones start at @bundle. */
must_check int binds_open(const struct spec *spec, const char *bundle, const char *rootfs, const char *cid,
	struct binds *b, struct err *err);

/* Closes the clones for the jail: it takes none. */
void binds_close_jail(struct binds *b);

/* Hands the exports to @vm. */
must_check int binds_share(struct binds *b, struct vm *vm, struct err *err);

/* The export list for guest_translate(); borrowed. */
struct guest_export_list binds_exports(const struct binds *b);

/* Whether mount @m is a new bind mount: its options say so, or its type does. */
bool binds_is_bind(const struct spec_mount *m);

#endif
