/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linux.resources as files of a cgroup v2. This is how the guest, which has v2 alone, gets its limits; the host's
 * cgroups use the conversions as well.
 */
#ifndef SPEC_RESOURCES_H
#define SPEC_RESOURCES_H

#include "base/base.h"
#include "base/err.h"
#include "spec/spec.h"

/* The limit of a resource that has none: by -1, by "max", or because the config says nothing. */
#define RESOURCES_NO_LIMIT UINT64_MAX

#define RESOURCES_KEY_MAX 64   /* a file's name, with its NUL */
#define RESOURCES_VALUE_MAX 64 /* numbers as text, with the NUL */

struct resource_file {
	char key[RESOURCES_KEY_MAX];
	char text[RESOURCES_VALUE_MAX];
	const char *value; /* text, or the spec's own string (unified) */
};

struct resource_files {
	size_t n;
	struct resource_file *v;
};

/*
 * Makes the files of the guest's cgroup, in the order in which they are to be written. Values that have the shape of v1
 * are converted as runc does it; the files of `unified` come last, as they are, and so win. Left out are those that are
 * about the host's devices, CPUs and memory nodes (blockIO, rdma, network, cpuset lists, and the same in `unified`),
 * which belong to the host's cgroup, and those that v2 does not have, for which the support table has a warning. @r may
 * be NULL: no files. @ret borrows strings from @r, and resource_files_done() frees it. 0, or -EINVAL or -ENOMEM with a
 * message.
 */
must_check int resources_to_v2(const struct spec_resources *r, struct resource_files *ret, struct err *err);

/* Frees the files and leaves none. */
void resource_files_done(struct resource_files *f);

/* The cpu.weight (1 to 10000) that runc sets for cpu.shares (2 to 262144; others are brought into that range). */
uint64_t resources_weight_of_shares(uint64_t shares);

/*
 * True if the file @key of `unified` is about the host's devices, CPUs or memory nodes, which the guest does not have.
 */
bool resources_unified_is_host(const char *key);

/*
 * Reads a value of cgroup v2, a number that may have one of the kernel's suffixes K, M, G and T, or "max", which is
 * RESOURCES_NO_LIMIT. False, and *@ret untouched, for any other text.
 */
bool resources_parse_limit(const char *text, uint64_t *ret);

/*
 * Reads "QUOTA [PERIOD]", a value of cpu.max in microseconds: a quota of "max" is RESOURCES_NO_LIMIT, and a text without
 * a period does not set *@ret_period. The numbers may be out of the kernel's bounds. False, and both untouched, for any
 * other text.
 */
bool resources_parse_cpu_max(const char *text, struct opt_u64 *ret_quota, struct opt_u64 *ret_period);

/*
 * The container's limit of memory in bytes, from `unified` or else memory.limit, or RESOURCES_NO_LIMIT. @r may be NULL.
 */
uint64_t resources_memory_limit(const struct spec_resources *r);

#endif
