/* SPDX-License-Identifier: Apache-2.0 */
/* linux.resources as files of a cgroup v2: see resources.h. */
#include "spec/resources.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How many files the fields can become, without those of hugepageLimits and unified. */
#define FIXED_FILES_MAX 8

/* The kernel's own cpu.cfs_period_us. */
#define CPU_PERIOD_DEFAULT_US 100000u

/* The ranges of cpu.shares (v1) and of cpu.weight (v2). */
#define SHARES_MIN 2ull
#define SHARES_MAX 262144ull
#define WEIGHT_MAX 10000ull

uint64_t resources_weight_of_shares(uint64_t shares)
{
	shares = MAX(shares, SHARES_MIN);
	shares = MIN(shares, SHARES_MAX);
	return 1 + (shares - SHARES_MIN) * (WEIGHT_MAX - 1) / (SHARES_MAX - SHARES_MIN);
}

bool resources_unified_is_host(const char *key)
{
	static const char *const controllers[] = { "cpuset.", "io.", "misc.", "rdma." };

	for (size_t i = 0; i < ARRAY_LEN(controllers); i++) {
		if (strncmp(key, controllers[i], strlen(controllers[i])) == 0)
			return true;
	}
	return false;
}

bool resources_parse_limit(const char *text, uint64_t *ret)
{
	static const char suffixes[] = "kmgt";
	const char *suffix;
	unsigned long long n;
	int shift = 0;
	char *end;

	if (strcmp(text, "max") == 0) {
		*ret = RESOURCES_NO_LIMIT;
		return true;
	}
	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	n = strtoull(text, &end, 10);
	suffix = *end ? strchr(suffixes, *end | 0x20) : NULL;
	if (suffix) {
		shift = 10 * (int)(suffix - suffixes + 1);
		end++;
	}
	if (errno || *end || n > (UINT64_MAX >> shift))
		return false;
	*ret = (uint64_t)n << shift;
	return true;
}

bool resources_parse_cpu_max(const char *text, struct opt_u64 *ret_quota, struct opt_u64 *ret_period)
{
	struct opt_u64 quota = { .set = true }, period = { .set = false };
	size_t len = strcspn(text, " ");
	char first[32];

	if (len >= sizeof(first))
		return false;
	(void)snprintf(first, sizeof(first), "%.*s", (int)len, text);
	period.set = text[len] == ' ';
	if (!resources_parse_limit(first, &quota.v))
		return false;
	if (period.set && (!resources_parse_limit(text + len + 1, &period.v) || period.v == RESOURCES_NO_LIMIT))
		return false;
	*ret_quota = quota;
	*ret_period = period;
	return true;
}

uint64_t resources_memory_limit(const struct spec_resources *r)
{
	uint64_t n;

	for (size_t i = 0; r && i < r->unified.n; i++) {
		if (strcmp(r->unified.v[i].key, "memory.max") == 0 && resources_parse_limit(r->unified.v[i].value, &n))
			return n;
	}
	if (r && r->memory && r->memory->limit.set && r->memory->limit.v > 0)
		return (uint64_t)r->memory->limit.v;
	return RESOURCES_NO_LIMIT;
}

/* Appends the file @key with the formatted value. */
static void add(struct resource_files *f, const char *key, const char *fmt, ...) printf_like(3, 4);
static void add(struct resource_files *f, const char *key, const char *fmt, ...)
{
	struct resource_file *file = &f->v[f->n++];
	va_list ap;

	(void)snprintf(file->key, sizeof(file->key), "%s", key);
	va_start(ap, fmt);
	(void)vsnprintf(file->text, sizeof(file->text), fmt, ap); /* numbers, which fit */
	va_end(ap);
	file->value = file->text;
}

/* Appends the file @key with a limit; one below 0 means that there is none. */
static void add_limit(struct resource_files *f, const char *key, int64_t limit)
{
	if (limit < 0)
		add(f, key, "max");
	else
		add(f, key, "%" PRId64, limit);
}

/* Appends the files of the memory controller. */
static int add_memory(struct resource_files *f, const struct spec_memory *m, struct err *err)
{
	bool limited = m->limit.set && m->limit.v > 0;

	/* 0 means "not set" for each of these, as it does for Docker and runc. */
	if (m->limit.set && m->limit.v != 0)
		add_limit(f, "memory.max", m->limit.v);
	if (m->reservation.set && m->reservation.v != 0)
		add_limit(f, "memory.low", m->reservation.v);
	if (m->swap.set && m->swap.v > 0) {
		/* the config has the sum of memory and swap, as v1 does; v2 has swap alone */
		if (!limited)
			return err_set(err, EINVAL, "linux.resources.memory.swap: needs a memory.limit");
		add_limit(f, "memory.swap.max", m->swap.v - m->limit.v); /* not below 0: validation has compared them */
	} else if (m->swap.set && m->swap.v < 0) {
		add_limit(f, "memory.swap.max", -1);
	}
	/* v2 has nothing for kernel, kernelTCP, swappiness and disableOOMKiller; a host with v1 has */
	return 0;
}

/* Appends the files of the cpu controller. */
static void add_cpu(struct resource_files *f, const struct spec_cpu *c)
{
	bool period = c->period.set && c->period.v != 0;
	bool quota = c->quota.set && c->quota.v != 0;

	/* first: an idle cgroup has no weight, and the kernel refuses one */
	if (c->idle.set)
		add(f, "cpu.idle", "%" PRId64, c->idle.v);
	if (c->shares.set && c->shares.v != 0 && !(c->idle.set && c->idle.v == 1))
		add(f, "cpu.weight", "%" PRIu64, resources_weight_of_shares(c->shares.v));
	if (quota && c->quota.v > 0)
		add(f, "cpu.max", "%" PRId64 " %" PRIu64, c->quota.v, period ? c->period.v : CPU_PERIOD_DEFAULT_US);
	else if (quota || period)
		add(f, "cpu.max", "max %" PRIu64, period ? c->period.v : CPU_PERIOD_DEFAULT_US);
	if (c->burst.set)
		add(f, "cpu.max.burst", "%" PRIu64, c->burst.v);
	/* v2 has nothing for the realtime times; a host with v1 may have them */
	/*
	 * cpus and mems name the host's CPUs and nodes: the host's cgroup pins the VM to them, which has as many vCPUs
	 */
}

static int add_hugepages(struct resource_files *f, const struct spec_hugepage_limits *limits, struct err *err)
{
	for (size_t i = 0; i < limits->n; i++) {
		char key[RESOURCES_KEY_MAX];

		if (snprintf(key, sizeof(key), "hugetlb.%s.max", limits->v[i].page_size) >= (int)sizeof(key))
			return err_set(err, EINVAL, "linux.resources.hugepageLimits[%zu].pageSize: too long", i);
		add(f, key, "%" PRIu64, limits->v[i].limit);
	}
	return 0;
}

static int add_unified(struct resource_files *f, const struct spec_map *unified, struct err *err)
{
	for (size_t i = 0; i < unified->n; i++) {
		struct resource_file *file = &f->v[f->n];

		if (resources_unified_is_host(unified->v[i].key))
			continue;
		if (snprintf(file->key, sizeof(file->key), "%s", unified->v[i].key) >= (int)sizeof(file->key))
			return err_set(err, EINVAL, "linux.resources.unified[\"%s\"]: too long", unified->v[i].key);
		file->value = unified->v[i].value;
		f->n++;
	}
	return 0;
}

int resources_to_v2(const struct spec_resources *r, struct resource_files *ret, struct err *err)
{
	struct resource_files f = { 0 };
	int result = 0;

	*ret = f;
	if (!r)
		return 0;
	f.v = calloc(FIXED_FILES_MAX + r->hugepage_limits.n + r->unified.n, sizeof(*f.v));
	if (!f.v)
		return err_sys(err, ENOMEM, "linux.resources");
	if (r->memory)
		result = add_memory(&f, r->memory, err);
	if (result == 0 && r->cpu)
		add_cpu(&f, r->cpu);
	/* 0 is a limit, but the first process is cloned into the cgroup, which takes a place: with 1 it cannot fork either */
	if (result == 0 && r->pids && r->pids->limit.set)
		add_limit(&f, "pids.max", r->pids->limit.v == 0 ? 1 : r->pids->limit.v);
	if (result == 0)
		result = add_hugepages(&f, &r->hugepage_limits, err);
	if (result == 0)
		result = add_unified(&f, &r->unified, err);
	if (result < 0)
		resource_files_done(&f);
	*ret = f;
	return result;
}

void resource_files_done(struct resource_files *f)
{
	free(f->v);
	*f = (struct resource_files){ 0 };
}
