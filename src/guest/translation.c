/* SPDX-License-Identifier: Apache-2.0 */
/* The result of a translation: see translation.h. */
#include "guest/translation.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void guest_translation_free(struct guest_translation *t)
{
	struct guest_container *c;

	if (!t)
		return;
	c = &t->container;
	for (size_t i = 0; i < t->n_mountopts; i++)
		mountopts_done(&t->mountopts[i]);
	free(t->mountopts);
	free(c->mounts.at);
	free(c->relays.at);
	free(c->uids.at);
	free(c->gids.at);
	free(c->devices.at);
	free(c->masked.at);
	free(c->readonly_paths.at);
	free(c->sysctl.at);
	free(c->cgroup.at);
	for (uint32_t i = 0; i < c->start_hooks.len; i++) {
		free(c->start_hooks.at[i].args.at);
		free(c->start_hooks.at[i].env.at);
	}
	free(c->start_hooks.at);
	free(c->process.args.at);
	free(c->process.env.at);
	free(c->process.groups.at);
	free(c->process.memory_nodes.at);
	free(c->process.rlimits.at);
	resource_files_done(&t->resources);
	buf_done(&t->device_filter);
	seccomp_program_done(&t->seccomp);
	free(t);
}

struct guest_container *guest_translation_container(struct guest_translation *t)
{
	return &t->container;
}

void guest_translation_put_exec(const struct guest_translation *t, const char *cid, struct buf *out)
{
	proto_put_exec(out, 0, cid, &t->container.process);
}

int translation_array(
	size_t n, size_t max, size_t size, const char *field, void *ret_array, uint32_t *ret_len, struct err *err)
{
	void *array;

	if (n > max)
		return err_set(err, E2BIG, "%s: %zu entries; at most %zu are possible", field, n, max);
	array = calloc(n ? n : 1, size);
	if (!array)
		return err_sys(err, ENOMEM, "%s", field);
	memcpy(ret_array, &array, sizeof(array));
	*ret_len = (uint32_t)n;
	return 0;
}

int translation_strings(const struct spec_strv *from, const char *field, struct guest_strings *to, struct err *err)
{
	int r = translation_array(from->n, PROTO_STRINGS_MAX, sizeof(*to->at), field, &to->at, &to->len, err);

	for (size_t i = 0; r == 0 && i < from->n; i++)
		to->at[i] = from->v[i];
	return r;
}
