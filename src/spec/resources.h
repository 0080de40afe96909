/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linux.resources as files of the container's cgroup v2 in the guest.
 */
#ifndef SPEC_RESOURCES_H
#define SPEC_RESOURCES_H

#include "base/base.h"
#include "base/err.h"
#include "spec/spec.h"

/* No limit, whether by -1, by "max", or because nothing is said. */
#define RESOURCES_NO_LIMIT UINT64_MAX

#define RESOURCES_KEY_MAX 64
#define RESOURCES_VALUE_MAX 64

struct resource_file {
	char key[RESOURCES_KEY_MAX];
	char text[RESOURCES_VALUE_MAX];
	const char *value; /* text, or the spec's own string (unified) */
};

struct resource_files {
	size_t n;
	struct resource_file *v; /* freed with resource_files_done() */
};

/*
 * v1-shaped values are converted as runc does; `unified` follows as it is and so wins. What the guest has no
 * counterpart for (the host's devices and CPUs: blockIO, rdma, network, cpuset lists, and those of `unified`) is left
 * to the host's cgroup. What cgroup v2 cannot hold is not here: the support table has its warning. 0, -EINVAL or
 * -ENOMEM.
 */
must_check int resources_to_v2(const struct spec_resources *r, struct resource_files *ret, struct err *err);
void resource_files_done(struct resource_files *f);

/* runc's conversion of cpu.shares (2 to 262144) to cpu.weight (1 to 10000). */
uint64_t resources_weight_of_shares(uint64_t shares);

/* Whether @key of `unified` is of the host's devices, CPUs or memory nodes, which the guest has not. */
bool resources_unified_is_host(const char *key);

/* A value of cgroup v2: a number, with the kernel's suffixes K, M, G, T, or "max" (RESOURCES_NO_LIMIT). */
bool resources_parse_limit(const char *text, uint64_t *ret);

/* The container's memory in bytes, by `unified` or memory.limit; RESOURCES_NO_LIMIT if there is none. */
uint64_t resources_memory_limit(const struct spec_resources *r);

#endif
