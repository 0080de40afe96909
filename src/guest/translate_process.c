/* SPDX-License-Identifier: Apache-2.0 */
/* config.json for the agent, the process: see translation.h. */
#include "guest/translation.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/cpulist.h"

#define UMASK_DEFAULT 0022

/* linux/ioprio.h, IOPRIO_PRIO_VALUE */
#define IOPRIO_CLASS_SHIFT 13

/* The compiled seccomp filter, which every process of the container gets. */
static int put_seccomp(const struct spec *spec, const struct seccomp_store *store, struct warnings *w,
	struct guest_translation *t, struct err *err)
{
	struct guest_process *p = &t->container.process;
	int r;

	if (!spec->linux_ || !spec->linux_->seccomp)
		return 0;
	r = seccomp_compile(spec->linux_->seccomp, store, &t->seccomp, w, err);
	if (r < 0)
		return r;
	p->seccomp.at = t->seccomp.insns;
	p->seccomp.len = t->seccomp.n * sizeof(*t->seccomp.insns);
	p->seccomp_flags = t->seccomp.flags;
	return 0;
}

/* process.scheduler and process.ioPriority. */
static void put_scheduling(const struct spec_process *from, struct guest_process *to)
{
	if (from->scheduler) {
		to->has_scheduler = true;
		to->scheduler = (struct guest_scheduler){ .policy = from->scheduler->policy,
			.flags = from->scheduler->flags.v,
			.nice = from->scheduler->nice,
			.priority = (uint32_t)from->scheduler->priority,
			.runtime = from->scheduler->runtime,
			.deadline = from->scheduler->deadline,
			.period = from->scheduler->period };
	}
	if (from->io_priority) {
		to->has_ioprio = true;
		to->ioprio = from->io_priority->class << IOPRIO_CLASS_SHIFT | from->io_priority->priority;
	}
}

/* linux.memoryPolicy: the mode, and the nodes as an array. */
static int put_memory_policy(const struct spec_memory_policy *from, struct guest_process *to, struct err *err)
{
	struct cpulist nodes = { .bits = { 0 } };
	int r = from->nodes ? cpulist_parse(from->nodes, &nodes) : 0;

	if (r < 0)
		return err_sys(err, r, "linux.memoryPolicy.nodes: \"%s\"", from->nodes);
	r = translation_array(cpulist_count(&nodes), PROTO_NODES_MAX, sizeof(*to->memory_nodes.at),
		"linux.memoryPolicy.nodes", &to->memory_nodes.at, &to->memory_nodes.len, err);
	if (r < 0)
		return r;
	to->has_memory_policy = true;
	to->memory_policy = from->mode | from->flags.v;
	for (uint32_t node = 0, i = 0; node < CPULIST_BITS; node++) {
		if (cpulist_has(&nodes, node))
			to->memory_nodes.at[i++] = node;
	}
	return 0;
}

/* User, umask, capabilities, and what else is one number each. */
static void put_identity(const struct spec_process *from, struct guest_process *to)
{
	const struct spec_capabilities *caps = from->capabilities;

	to->uid = from->user.uid;
	to->gid = from->user.gid;
	to->umask = from->user.umask.set ? from->user.umask.v : UMASK_DEFAULT;
	to->no_new_privs = from->no_new_privileges;
	to->has_oom_score_adj = from->oom_score_adj.set;
	to->oom_score_adj = (int32_t)from->oom_score_adj.v;
	if (!caps)
		return;
	to->caps[GUEST_CAP_BOUNDING] = caps->bounding;
	to->caps[GUEST_CAP_EFFECTIVE] = caps->effective;
	to->caps[GUEST_CAP_INHERITABLE] = caps->inheritable;
	to->caps[GUEST_CAP_PERMITTED] = caps->permitted;
	to->caps[GUEST_CAP_AMBIENT] = caps->ambient;
}

/*
 * process.rlimits; of what the config does not name, the process gets the caller's limits, as under a runtime whose
 * process is the caller's child. The guest's kernel has others, which it takes from the VM's memory.
 */
static int put_rlimits(const struct spec_rlimits *from, struct guest_rlimits *to, struct err *err)
{
	uint32_t n = 0;
	int r = translation_array(
		from->n + RLIM_NLIMITS, PROTO_RLIMITS_MAX, sizeof(*to->at), "process.rlimits", &to->at, &to->len, err);

	if (r < 0)
		return r;
	for (; n < from->n; n++)
		to->at[n] = (struct guest_rlimit){
			.resource = (uint32_t)from->v[n].resource, .soft = from->v[n].soft, .hard = from->v[n].hard
		};
	for (uint32_t resource = 0; resource < RLIM_NLIMITS; resource++) {
		struct rlimit own;
		bool given = false;

		for (size_t i = 0; i < from->n; i++)
			given |= (uint32_t)from->v[i].resource == resource;
		if (given)
			continue;
		if (getrlimit((int)resource, &own) < 0)
			return err_sys(err, errno, "process.rlimits: the caller's");
		to->at[n++] = (struct guest_rlimit){ .resource = resource, .soft = own.rlim_cur, .hard = own.rlim_max };
	}
	to->len = n;
	return 0;
}

int guest_translation_put_env(struct guest_translation *t, const char *text)
{
	struct guest_strings *env = &t->container.process.env;
	const char **more = realloc(env->at, (env->len + 1u) * sizeof(*more));

	if (!more)
		return -ENOMEM;
	more[env->len++] = text;
	env->at = more;
	return 0;
}

int translate_process(const struct spec *spec, const struct spec_process *from, const struct seccomp_store *store,
	struct warnings *w, struct guest_translation *t, struct err *err)
{
	struct guest_process *to = &t->container.process;
	int r;

	to->terminal = from->terminal;
	if (from->terminal && from->console_size) {
		to->rows = (uint16_t)from->console_size->height;
		to->cols = (uint16_t)from->console_size->width;
	}
	to->cwd = from->cwd;
	put_identity(from, to);
	put_scheduling(from, to);
	if (spec->linux_ && spec->linux_->personality) {
		to->has_personality = true;
		to->personality = spec->linux_->personality->domain;
	}
	r = translation_strings(&from->args, "process.args", &to->args, err);
	if (r == 0)
		r = translation_strings(&from->env, "process.env", &to->env, err);
	if (r == 0)
		r = translation_array(from->user.additional_gids.n, PROTO_GROUPS_MAX, sizeof(*to->groups.at),
			"process.user.additionalGids", &to->groups.at, &to->groups.len, err);
	if (r == 0)
		r = put_rlimits(&from->rlimits, &to->rlimits, err);
	if (r == 0 && spec->linux_ && spec->linux_->memory_policy)
		r = put_memory_policy(spec->linux_->memory_policy, to, err);
	if (r < 0)
		return r;
	for (uint32_t i = 0; i < to->groups.len; i++)
		to->groups.at[i] = from->user.additional_gids.v[i];
	return put_seccomp(spec, store, w, t, err);
}
