/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one place that turns a config.json into what the agent gets.
 *
 * Pure: reads a spec, asks nothing of the machine. The agent's side of every
 * OCI field is decided here; which bind mount is served from which share is the
 * life cycle's decision, given as the list of exports.
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
	bool shared;      /* on the coherent share, else on the private one */
	const char *name; /* path below it: "CID/3/hosts" */
};

struct guest_export_list {
	size_t n;
	const struct guest_export *v;
};

/* What is known of namespaces that the config joins. */
struct guest_joins {
	/* those of another container of the VM, not made new in the guest although the config lists them; NULL: as it says */
	const char *cid[GUEST_NS_COUNT];
	/* the mappings of a user namespace by path, where the config has none; NULL or empty: not known */
	const struct spec_idmaps *uids, *gids;
};

struct guest_translation; /* owns the arrays; strings stay the spec's and the exports' */

/*
 * @spec, @exports and @joins (may be NULL) must outlive the result, which the
 * caller frees with guest_translation_free(). A bind mount without an export,
 * or a field that cannot hold in a VM, is an error that names the field.
 * The seccomp filter is compiled, or taken from @store (may be NULL). What is given up gets a warning. process.id, the streams and the state for startContainer
 * hooks (hook_state_*) are left 0.
 */
must_check int guest_translate(const struct spec *spec, const char *cid, const char *rootfs_name,
	const struct guest_export_list *exports, const struct guest_joins *joins, const struct seccomp_store *store,
	struct warnings *warnings, struct guest_translation **ret, struct err *err);

/* The same for a process alone (exec): only ->process of the result is set. */
must_check int guest_translate_process(const struct spec *spec, const struct spec_process *process,
	const struct seccomp_store *store, struct warnings *warnings, struct guest_translation **ret, struct err *err);

struct guest_container *guest_translation_container(struct guest_translation *t);

void guest_translation_free(struct guest_translation *t); /* accepts NULL */

#endif
