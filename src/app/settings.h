/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Settings that are not of one container: built in, then /etc/vmrunc.json
 * (JSON with comments), then $XDG_CONFIG_HOME/vmrunc.json, then the command
 * line. Annotations of a container come between the last two (plan.c).
 */
#ifndef APP_SETTINGS_H
#define APP_SETTINGS_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/base.h"
#include "base/err.h"
#include "cli/cli.h"
#include "vm/vm.h"

#define SETTINGS_FILE "/etc/vmrunc.json"

struct settings {
	char root[PATH_MAX];      /* state of containers, absolute */
	char cache_dir[PATH_MAX]; /* kernels, initramfs, seccomp filters, the probe's verdict: may be
				     deleted at any time */
	enum vm_engine engine;
	bool engine_forced;    /* by the command line: annotations do not change it */
	char kernel[PATH_MAX]; /* "": the first that is found */
	bool kernel_forced;
	char qemu[PATH_MAX];         /* "": qemu-system-x86_64 in $PATH */
	uint64_t memory_mib;         /* RAM of a VM whose container has no limit */
	unsigned int vcpus;          /* of a VM whose container has no limit */
	uint64_t guest_overhead_mib; /* RAM on top of a limit, for the guest's kernel and agent */
	uint64_t guest_log_kib;      /* bound of guest.log */
	uint64_t host_overhead_mib;  /* on top of RAM in the host's memory cgroup, for the VMM */
};

/* Fills @s for this call. Fails on an unreadable or wrong file, never on a missing one. */
must_check int settings_load(struct settings *s, const struct options *options, struct err *err);

/* "auto", "kvm" or "qemu": 0 or -EINVAL with an error that begins with @where. */
must_check int settings_engine(const char *text, const char *where, enum vm_engine *ret, struct err *err);
const char *settings_engine_name(enum vm_engine engine);

/* A whole number from @min to @max: 0 or -EINVAL with an error that begins with @where. */
must_check int settings_number(
	const char *text, const char *where, uint64_t min, uint64_t max, uint64_t *ret, struct err *err);

#endif
