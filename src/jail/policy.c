/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What config.json lets the guest do to the host's files: see policy.h.
 *
 * linux.resources.devices is not asked: the rules that runc and we put behind the config's let any node be made, so that
 * CAP_MKNOD alone decides. Processes that exec starts are bound by the same policy, whatever capabilities they get.
 */
#include "jail/policy.h"

#include <linux/capability.h>
#include <stdint.h>

#include "base/base.h"

/* The id on the host of @id in the container: by @maps, or itself if there are none. */
static uint32_t host_id(const struct spec_idmaps *maps, uint32_t id)
{
	for (size_t i = 0; i < maps->n; i++) {
		const struct spec_idmap *m = &maps->v[i];

		if (id >= m->container_id && id - m->container_id < m->size)
			return m->host_id + (id - m->container_id);
	}
	return maps->n ? UINT32_MAX : id;
}

/*
 * The ids on the host from the lowest to the highest that @maps has; all if there are no maps. What lies between two
 * mappings is in it, too.
 */
static void host_span(const struct spec_idmaps *maps, uint32_t *ret_first, uint32_t *ret_last)
{
	*ret_first = maps->n ? UINT32_MAX : 0;
	*ret_last = maps->n ? 0 : UINT32_MAX;
	for (size_t i = 0; i < maps->n; i++) {
		const struct spec_idmap *m = &maps->v[i];

		*ret_first = MIN(*ret_first, m->host_id);
		*ret_last = MAX(*ret_last, m->host_id + m->size - 1);
	}
}

static bool has(uint64_t caps, unsigned int cap)
{
	return caps >> cap & 1;
}

uint32_t policy_host_uid(const struct ns_set *ns, uint32_t uid)
{
	return host_id(&ns->uids, uid);
}

uint32_t policy_host_gid(const struct ns_set *ns, uint32_t gid)
{
	return host_id(&ns->gids, gid);
}

/* Whether @maps, if there are any, have the host's id @id. */
static bool maps_host_id(const struct spec_idmaps *maps, uint32_t id)
{
	for (size_t i = 0; i < maps->n; i++) {
		if (id >= maps->v[i].host_id && id - maps->v[i].host_id < maps->v[i].size)
			return true;
	}
	return maps->n == 0;
}

bool policy_overrides(const struct spec *spec, const struct ns_set *ns, uint32_t uid, uint32_t gid)
{
	uint64_t caps = spec->process->capabilities ? spec->process->capabilities->bounding : 0;

	/* Over a file whose ids a user namespace does not have, its capabilities are worth nothing. */
	return (has(caps, CAP_DAC_OVERRIDE) || (has(caps, CAP_SETUID) && has(caps, CAP_SETGID))) &&
	       maps_host_id(&ns->uids, uid) && maps_host_id(&ns->gids, gid);
}

struct file_policy policy_of(const struct spec *spec, const struct ns_set *ns)
{
	const struct spec_process *p = spec->process;
	const struct spec_idmaps *uids = &ns->uids, *gids = &ns->gids;
	uint64_t caps = p->capabilities ? p->capabilities->bounding : 0;
	/* Of a user namespace, the host's kernel takes neither device nodes nor capabilities that hold for the host. */
	bool user = spec_namespace_find(spec, SPEC_NS_USER);
	struct file_policy policy = {
		.devices = has(caps, CAP_MKNOD) && !user,
		.file_caps = has(caps, CAP_SETFCAP) && !user,
		.keep_setid = has(caps, CAP_FSETID),
		.kernel_files = !user && (p->user.uid == 0 || has(caps, CAP_DAC_OVERRIDE) || has(caps, CAP_SETUID)),
	};

	if (has(caps, CAP_FOWNER) || has(caps, CAP_SETUID))
		host_span(uids, &policy.owner_first, &policy.owner_last);
	else
		policy.owner_first = policy.owner_last = host_id(uids, p->user.uid);
	if (has(caps, CAP_FSETID) || has(caps, CAP_SETGID))
		host_span(gids, &policy.group_first, &policy.group_last);
	else
		policy.group_first = policy.group_last = host_id(gids, p->user.gid);
	return policy;
}
