/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one place where a config.json becomes what the agent gets.
 *
 * It reads a spec and asks nothing of the machine but the caller's resource limits. What each field of config.json
 * means in the guest is decided here; the life cycle decides which bind mount is
 * served from which share, and gives that as the list of exports.
 */
#ifndef GUEST_TRANSLATE_H
#define GUEST_TRANSLATE_H

#include <stdint.h>

#include "base/base.h"
#include "base/err.h"
#include "channel/proto.h"
#include "spec/seccomp.h"
#include "spec/spec.h"

/* Where the source of spec->mounts.v[mount] is found in the guest. */
struct guest_export {
	size_t mount;     /* index into spec->mounts */
	bool shared;      /* it is on the shared share, else on the private one */
	const char *name; /* path below it: "CID/3/hosts" */
	uint32_t flags;   /* MS_*, all that the mount gets: mountopts_bind() */
	/* the source is this path below the container's root, where an earlier mount is, and nothing is exported; or NULL */
	const char *inside;
};

#define SOCKET_NO_MOUNT SIZE_MAX

/* A socket of the host that is relayed to the container, and where it is mounted. */
struct guest_socket {
	size_t mount; /* index into spec->mounts; SOCKET_NO_MOUNT: it is in none */
	char *entry;  /* the mount is a directory, and this the socket's name in it; NULL: the mount is the socket */
	char *destination; /* where that is in the container; NULL without @entry */
	struct guest_relay relay;
};

struct guest_export_list {
	size_t n;
	const struct guest_export *v;
	size_t sockets_len;
	const struct guest_socket *sockets;
};

/* What is known of namespaces that the config joins. */
struct guest_joins {
	/* the container of the VM whose namespace is joined, although the config asks for a new one; NULL: as it says */
	const char *cid[GUEST_NS_COUNT];
	/* the mappings of the user namespace, whatever the config says of one by path; empty: it is the caller's; NULL: the
	 * config's */
	const struct spec_idmaps *uids, *gids;
};

struct guest_translation; /* owns its arrays; the strings stay the spec's and the exports' */

/*
 * Translates @spec for container @cid, whose root file system the private share
 * has as @rootfs_name. @spec, @exports and @joins (may be NULL) must outlive the
 * result, which the caller frees with guest_translation_free(). The seccomp
 * filter is taken from @store (may be NULL), or compiled. What is given up gets a
 * warning. 0, or -errno with @err set: a bind mount without an export, or a field
 * that cannot hold in a VM, is an error that names the field.
 *
 * process.id, the streams, and the state for startContainer hooks (hook_state_*)
 * are left 0.
 */
must_check int guest_translate(const struct spec *spec, const char *cid, const char *rootfs_name,
	const struct guest_export_list *exports, const struct guest_joins *joins, const struct seccomp_store *store,
	struct warnings *warnings, struct guest_translation **ret, struct err *err);

/* The same for @process alone, as for an exec: only ->process of the result is set. */
must_check int guest_translate_process(const struct spec *spec, const struct spec_process *process,
	const struct seccomp_store *store, struct warnings *warnings, struct guest_translation **ret, struct err *err);

/* What the agent is to get; it belongs to @t. The caller sets in it what guest_translate() leaves 0. */
struct guest_container *guest_translation_container(struct guest_translation *t);

/*
 * Gives the file system of mount number @mount of the config the option mode=@mode, unless it has one already: 0 or
 * -ENOMEM.
 */
must_check int guest_translation_put_mode(struct guest_translation *t, size_t mount, unsigned int mode);

/* Says that the host looks into the tmpfs that mount number @mount of the config is: the next place of guest_file. */
void guest_translation_show(struct guest_translation *t, size_t mount);

/*
 * Appends to @out the process of @t as the EXEC of the channel for container @cid, for a monitor that decodes it with
 * proto_get_request(); ask buf_error(@out).
 */
void guest_translation_put_exec(const struct guest_translation *t, const char *cid, struct buf *out);

/* Adds the variable @text, "NAME=VALUE", behind the process's environment; it must outlive @t. 0 or -ENOMEM. */
must_check int guest_translation_put_env(struct guest_translation *t, const char *text);

/* Frees @t, which may be NULL. */
void guest_translation_free(struct guest_translation *t);

/*
 * Appends to @out the UPDATE of container @cid that gives its cgroup in the guest the limits of @resources, and says in
 * *@ret_n how many files that are. 0, or -EINVAL or -ENOMEM with a message.
 */
must_check int guest_translation_put_update(
	const struct spec_resources *resources, const char *cid, struct buf *out, size_t *ret_n, struct err *err);

/*
 * Sets the sysctl @key to @value, before those of the config, which may say otherwise; both must outlive @t. 0 or -ENOMEM.
 */
must_check int guest_translation_put_sysctl(struct guest_translation *t, const char *key, const char *value);

#endif
