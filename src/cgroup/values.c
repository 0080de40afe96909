/* SPDX-License-Identifier: Apache-2.0 */
/* linux.resources as numbers for the host: see values.h. */
#include "cgroup/values.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spec/resources.h"

static struct opt_u64 some(uint64_t v)
{
	return (struct opt_u64){ .set = true, .v = v };
}

/* A limit as the spec has it: -1 is "no limit", and 0 means "unchanged". */
static struct opt_u64 limit(const struct opt_i64 *from)
{
	if (!from->set || from->v == 0)
		return (struct opt_u64){ .set = false };
	return some(from->v < 0 ? CGROUP_NO_LIMIT : (uint64_t)from->v);
}

/* The limit @v with @room bytes for the VM on top. */
static struct opt_u64 with_room(struct opt_u64 v, uint64_t room)
{
	if (v.set && v.v != CGROUP_NO_LIMIT)
		v.v = v.v > CGROUP_NO_LIMIT - 1 - room ? CGROUP_NO_LIMIT : v.v + room;
	return v;
}

/* Takes over linux.resources.memory. */
static int memory_of(const struct spec_memory *m, uint64_t room, struct cgroup_values *v, struct err *err)
{
	struct opt_u64 max = limit(&m->limit), both = limit(&m->swap);

	/* as runc reads it, "no limit" of memory and not a word on swap means "no limit" of either */
	if (max.set && max.v == CGROUP_NO_LIMIT && !both.set)
		both = max;
	if (both.set && both.v != CGROUP_NO_LIMIT && (!max.set || max.v == CGROUP_NO_LIMIT))
		return err_set(err, EINVAL, "linux.resources.memory.swap: needs a memory.limit");
	v->memory = with_room(max, room);
	v->memsw = with_room(both, room);
	if (both.set)
		v->swap = some(both.v == CGROUP_NO_LIMIT ? both.v : both.v - max.v);
	v->memory_low = limit(&m->reservation);
	v->kernel_tcp = limit(&m->kernel_tcp);
	v->swappiness = m->swappiness;
	v->oom_off = m->disable_oom_killer;
	return 0;
}

/* Takes over linux.resources.cpu. */
static void cpu_of(const struct spec_cpu *c, struct cgroup_values *v)
{
	/* an idle cgroup has no share, and the kernel refuses one */
	if (c->shares.set && c->shares.v && !(c->idle.set && c->idle.v == 1)) {
		v->shares = c->shares;
		v->weight = some(resources_weight_of_shares(c->shares.v));
	}
	v->quota = limit(&c->quota);
	if (c->period.set && c->period.v)
		v->period = c->period;
	v->burst = c->burst;
	if (c->idle.set)
		v->idle = some((uint64_t)c->idle.v);
	if (c->realtime_period.set && c->realtime_period.v)
		v->rt_period = c->realtime_period;
	if (c->realtime_runtime.set && c->realtime_runtime.v)
		v->rt_runtime = c->realtime_runtime;
	v->cpus = c->cpus && *c->cpus ? c->cpus : NULL;
	v->mems = c->mems && *c->mems ? c->mems : NULL;
}

/* --- unified --- */

struct unified_key {
	const char *key;
	size_t offset; /* of a struct opt_u64 */
	bool room;     /* the VM's need is added */
};

static const struct unified_key unified_keys[] = {
	{ "memory.max", offsetof(struct cgroup_values, memory), true },
	{ "memory.high", offsetof(struct cgroup_values, memory_high), true },
	{ "memory.low", offsetof(struct cgroup_values, memory_low), false },
	{ "memory.min", offsetof(struct cgroup_values, memory_min), false },
	{ "memory.swap.max", offsetof(struct cgroup_values, swap), false },
	{ "cpu.weight", offsetof(struct cgroup_values, weight), false },
	{ "cpu.max.burst", offsetof(struct cgroup_values, burst), false },
	{ "cpu.idle", offsetof(struct cgroup_values, idle), false },
	{ "pids.max", offsetof(struct cgroup_values, pids), false },
};

/* Takes over the value of cpu.max. Returns false if it is something else, or has a period that nobody can divide by. */
static bool take_cpu_max(const char *text, struct cgroup_values *v)
{
	struct opt_u64 quota, period;

	if (!resources_parse_cpu_max(text, &quota, &period) || (period.set && !period.v))
		return false;
	v->quota = quota;
	if (period.set)
		v->period = period;
	return true;
}

/* Takes over one pair of `unified`. Returns false if there is no member for it, or if its value is not understood. */
static bool take_unified(const char *key, const char *value, uint64_t room, struct cgroup_values *v)
{
	uint64_t n;

	if (strcmp(key, "cpu.max") == 0)
		return take_cpu_max(value, v);
	if (strcmp(key, "cpuset.cpus") == 0)
		return v->cpus = value, true;
	if (strcmp(key, "cpuset.mems") == 0)
		return v->mems = value, true;
	for (size_t i = 0; i < ARRAY_LEN(unified_keys); i++) {
		const struct unified_key *k = &unified_keys[i];
		struct opt_u64 *to = (struct opt_u64 *)(void *)((char *)v + k->offset);

		if (strcmp(k->key, key) == 0 && resources_parse_limit(value, &n)) {
			*to = k->room ? with_room(some(n), room) : some(n);
			return true;
		}
	}
	return false;
}

/* Takes over linux.resources.unified; what has no member goes to v->unified as it is. */
static int unified_of(const struct spec_map *unified, uint64_t room, struct cgroup_values *v, struct err *err)
{
	if (unified->n == 0)
		return 0;
	v->unified.v = calloc(unified->n, sizeof(*v->unified.v));
	if (!v->unified.v)
		return err_sys(err, ENOMEM, "linux.resources.unified");
	for (size_t i = 0; i < unified->n; i++) {
		if (!take_unified(unified->v[i].key, unified->v[i].value, room, v))
			v->unified.v[v->unified.n++] = unified->v[i];
	}
	return 0;
}

int cgroup_values_of(
	const struct spec_resources *r, uint64_t memory_bytes, bool v2, struct cgroup_values *ret, struct err *err)
{
	uint64_t limit_bytes = resources_memory_limit(r), room = 0;
	int result = 0;

	*ret = (struct cgroup_values){ .cpus = NULL };
	if (!r)
		return 0;
	if (limit_bytes != RESOURCES_NO_LIMIT && memory_bytes > limit_bytes)
		room = memory_bytes - limit_bytes;
	if (r->memory)
		result = memory_of(r->memory, room, ret, err);
	if (r->cpu)
		cpu_of(r->cpu, ret);
	if (r->pids && r->pids->limit.set) /* 0 is a limit here: config-linux.md, "PIDs" */
		ret->pids = some(r->pids->limit.v < 0 ? CGROUP_NO_LIMIT : (uint64_t)r->pids->limit.v);
	if (result == 0 && v2)
		result = unified_of(&r->unified, room, ret, err);
	if (ret->pids.set)
		ret->pids.v = MAX(ret->pids.v, (uint64_t)CGROUP_PIDS_MIN);
	return result;
}

void cgroup_values_done(struct cgroup_values *v)
{
	free(v->unified.v);
	v->unified = (struct spec_map){ .n = 0 };
}
