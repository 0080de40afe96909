/* SPDX-License-Identifier: Apache-2.0 */
/* How large a container's VM is: its RAM and its vCPUs, from the config's limits, the settings, and what the host has. */
#ifndef LIFE_SIZE_H
#define LIFE_SIZE_H

#include <stdint.h>

#include "app/settings.h"
#include "base/base.h"
#include "base/err.h"
#include "json/warnings.h"
#include "spec/spec.h"
#include "vm/vm.h"

/* What there is to be had. */
struct size_host {
	uint64_t memory_bytes; /* of the host, or UINT64_MAX */
	uint64_t memory_room;  /* that the cgroups above the container's allow, or UINT64_MAX */
	unsigned int cpus;     /* that are online, >= 1 */
};

/* This host; @memory_room is taken over. */
struct size_host size_of_host(uint64_t memory_room);

/*
 * Sets @vm's mem_bytes and vcpus for @spec. Most important first: the config's `vm`, an annotation that counts, the
 * config's limits, the settings. An annotation stays within the limits, and nothing exceeds what the host has, of which
 * @overhead_bytes are left to the VMM. Where that changes what was asked for by `vm` or an annotation, @warnings gets a
 * sentence. 0, or -EINVAL with an error.
 */
must_check int size_vm(const struct settings *s, const struct spec *spec, const struct size_host *host,
	uint64_t overhead_bytes, struct vm_config *vm, struct warnings *warnings, struct err *err);

/*
 * How much of the @overhead_bytes that the VMM has beside the guest's @ram_bytes may go into the guest's files: what is
 * left by the monitor itself, and by page tables. At least 1.
 */
uint64_t size_files(uint64_t overhead_bytes, uint64_t ram_bytes);

#endif
