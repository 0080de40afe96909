/* SPDX-License-Identifier: Apache-2.0 */
/* The process of an exec: see exec.h. */
#include "spec/exec.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "json/arena.h"
#include "json/json.h"
#include "spec/names.h"
#include "spec/validate.h"

/* What messages name in the place of a file. */
#define EXEC_NAME "exec"

/* Reads @len digits at @text as an id, which is below (uid_t)-1. 0 or -EINVAL. */
static int parse_id(const char *text, size_t len, uint32_t *ret)
{
	uint64_t id = 0;

	if (len == 0 || strspn(text, "0123456789") < len)
		return -EINVAL;
	for (size_t i = 0; i < len; i++) {
		id = id * 10 + (uint64_t)(text[i] - '0');
		if (id >= UINT32_MAX)
			return -EINVAL;
	}
	*ret = (uint32_t)id;
	return 0;
}

/* --user UID[:GID]: names are not looked up, since the files that have them are the container's. */
static int put_user(const char *text, struct spec_user *to, struct err *err)
{
	size_t len = text ? strcspn(text, ":") : 0;

	if (!text || !*text)
		return 0;
	if (parse_id(text, len, &to->uid) < 0 ||
		(text[len] && parse_id(text + len + 1, strlen(text + len + 1), &to->gid) < 0))
		return err_set(err, EINVAL, "--user: \"%s\" is not UID or UID:GID in numbers", text);
	return 0;
}

/* --additional-gids: behind those of the config. */
static int put_gids(struct arena *arena, const struct spec_words *gids, struct spec_u32v *to, struct err *err)
{
	uint32_t *v;

	if (gids->n == 0)
		return 0;
	v = arena_array(arena, to->n + gids->n, sizeof(*v));
	if (!v)
		return err_sys(err, ENOMEM, "--additional-gids");
	for (size_t i = 0; i < to->n; i++)
		v[i] = to->v[i];
	for (size_t i = 0; i < gids->n; i++) {
		if (parse_id(gids->v[i], strlen(gids->v[i]), &v[to->n + i]) < 0)
			return err_set(err, EINVAL, "--additional-gids: \"%s\" is not a group's number", gids->v[i]);
	}
	to->v = v;
	to->n += gids->n;
	return 0;
}

/* --env: behind those of the config; validation leaves the last of each name. */
static int put_env(struct arena *arena, const struct spec_words *env, struct spec_strv *to, struct err *err)
{
	char **v = arena_array(arena, to->n + env->n + 1, sizeof(*v));

	if (!v)
		return err_sys(err, ENOMEM, "--env");
	for (size_t i = 0; i < to->n; i++)
		v[i] = to->v[i];
	for (size_t i = 0; i < env->n; i++) {
		v[to->n + i] = arena_strndup(arena, env->v[i], strlen(env->v[i]));
		if (!v[to->n + i])
			return err_sys(err, ENOMEM, "--env");
	}
	to->v = v;
	to->n += env->n;
	return 0;
}

static int put_args(struct arena *arena, const struct spec_words *args, struct spec_strv *to, struct err *err)
{
	*to = (struct spec_strv){ .n = 0 };
	return put_env(arena, args, to, err);
}

/*
 * --cap: into the bounding, effective and permitted sets. The ambient set can have only what is inheritable, and exec
 * makes nothing inheritable, as runc does since CVE-2022-29162. One that is unknown is left out with a warning, as in a
 * config.
 */
static int put_caps(struct decode *d, const struct spec_words *caps, struct spec_process *p, struct err *err)
{
	struct arena *arena = d->arena;

	if (caps->n == 0)
		return 0;
	if (!p->capabilities)
		p->capabilities = arena_alloc(arena, sizeof(*p->capabilities));
	if (!p->capabilities)
		return err_sys(err, ENOMEM, "--cap");
	for (size_t i = 0; i < caps->n; i++) {
		int cap = spec_cap_number(caps->v[i]);

		if (cap < 0) {
			warnings_add(d->warnings, "--cap: \"%s\" is an unknown capability, ignored", caps->v[i]);
			continue;
		}
		p->capabilities->bounding |= 1ull << cap;
		p->capabilities->effective |= 1ull << cap;
		p->capabilities->permitted |= 1ull << cap;
		p->capabilities->ambient |= 1ull << cap & p->capabilities->inheritable;
	}
	return 0;
}

/* A copy of @text (NULL or empty: of nothing) in *@to. */
static int put_text(struct arena *arena, const char *text, char **to, struct err *err)
{
	if (!text || !*text)
		return 0;
	*to = arena_strndup(arena, text, strlen(text));
	return *to ? 0 : err_sys(err, ENOMEM, EXEC_NAME);
}

int spec_exec_words(struct spec *config, const struct spec_exec *words, struct warnings *warnings, struct err *err)
{
	struct decode d = { .name = EXEC_NAME, .arena = config->arena, .warnings = warnings, .err = err };
	const struct json nothing = { .type = JSON_OBJECT };
	struct spec_process *p = config->process;
	int r;

	if (!p)
		return err_set(err, EINVAL, "the container's config has no process to take the rest from");
	r = put_args(d.arena, &words->args, &p->args, err);
	if (r == 0)
		r = put_env(d.arena, &words->env, &p->env, err);
	if (r == 0)
		r = put_user(words->user, &p->user, err);
	if (r == 0)
		r = put_gids(d.arena, &words->gids, &p->user.additional_gids, err);
	if (r == 0)
		r = put_caps(&d, &words->caps, p, err);
	if (r == 0)
		r = put_text(d.arena, words->cwd, &p->cwd, err);
	if (r == 0)
		r = put_text(d.arena, words->apparmor, &p->apparmor_profile, err);
	if (r == 0)
		r = put_text(d.arena, words->label, &p->selinux_label, err);
	if (r < 0)
		return r;
	p->terminal = words->terminal;
	if (words->new_privs_given)
		p->no_new_privileges = words->no_new_privs;
	return validate_process_only(&d, &nothing, config);
}

void spec_exec_inherit(const struct spec *config, struct spec_process *process)
{
	const struct spec_process *from = config->process;

	if (!from)
		return;
	if (!process->capabilities)
		process->capabilities = from->capabilities;
	if (process->rlimits.n == 0)
		process->rlimits = from->rlimits;
	if (!process->user.umask.set)
		process->user.umask = from->user.umask;
	if (!process->oom_score_adj.set)
		process->oom_score_adj = from->oom_score_adj;
	if (!process->scheduler)
		process->scheduler = from->scheduler;
	if (!process->io_priority)
		process->io_priority = from->io_priority;
	if (!process->exec_cpu_affinity)
		process->exec_cpu_affinity = from->exec_cpu_affinity;
	if (!process->apparmor_profile)
		process->apparmor_profile = from->apparmor_profile;
	if (!process->selinux_label)
		process->selinux_label = from->selinux_label;
}
