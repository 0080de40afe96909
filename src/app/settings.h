/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Settings that do not belong to one container. Later sources replace what earlier ones say: what is built in, then
 * /etc/vmrunc.json (JSON with comments, see vmrunc.json(5)), then $XDG_CONFIG_HOME/vmrunc.json, then the command line.
 * The annotations of a container that the files allow stand between the last two: life/plan.c applies them.
 */
#ifndef APP_SETTINGS_H
#define APP_SETTINGS_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/base.h"
#include "base/err.h"
#include "json/warnings.h"
#include "vm/vm.h"

#define SETTINGS_FILE "/etc/vmrunc.json"

/* What the names of our annotations begin with. */
#define SETTINGS_ANNOTATION_PREFIX "org.vmrunc."

/* The annotations of a container that choose something of its VM. */
enum settings_annotation {
	SETTINGS_ANNOTATION_ENGINE,
	SETTINGS_ANNOTATION_KERNEL,
	SETTINGS_ANNOTATION_PARAMETERS,
	SETTINGS_ANNOTATION_MEMORY, /* MiB */
	SETTINGS_ANNOTATION_VCPUS,
	SETTINGS_ANNOTATION_SPARE_INTERFACES,
	SETTINGS_ANNOTATIONS
};

struct settings {
	char root[PATH_MAX];      /* where the state of containers is kept; absolute */
	char cache_dir[PATH_MAX]; /* kernels, initramfs, seccomp filters, the verdict on KVM: may be deleted any time */
	enum vm_engine engine;    /* what runs the virtual machine */
	bool engine_forced;       /* the command line named the engine: an annotation does not change it */
	char kernel[PATH_MAX];    /* the guest's kernel; "": the first one that is found */
	bool kernel_forced;       /* the command line named the kernel: an annotation does not change it */
	char qemu[PATH_MAX];      /* the QEMU program; "": qemu-system-x86_64 in $PATH */
	uint64_t memory_mib;      /* RAM of a VM whose container has no memory limit */
	unsigned int vcpus;       /* of a VM whose container has no CPU limit */
	uint64_t spare_interfaces;              /* network devices of a VM for interfaces that come after its boot */
	uint64_t guest_overhead_mib;            /* RAM on top of a limit, for the guest's kernel and agent */
	uint64_t guest_log_kib;                 /* the size at which guest.log is cut */
	bool annotations[SETTINGS_ANNOTATIONS]; /* those that count; a tenant's image may carry any */
	uint64_t host_overhead_mib;             /* on top of RAM in the host's memory cgroup, for the VMM */
};

/* What the command line says, each as it was written, or NULL. Relative paths start at the current directory. */
struct settings_words {
	const char *config; /* a settings file that is read instead of both others, and must exist */
	const char *root;
	const char *engine; /* "auto", "kvm" or "qemu" */
	const char *kernel;
};

/*
 * Fills @s from all sources. A settings file that cannot be read or says something wrong is an error, except that the
 * usual ones may be missing; an unknown key is added to @warnings. Returns 0 or -errno with an error.
 */
must_check int settings_load(
	struct settings *s, const struct settings_words *words, struct warnings *warnings, struct err *err);

/* The whole name of an annotation: a literal. */
const char *settings_annotation_name(enum settings_annotation annotation);

/* Reads the name of an engine ("auto", "kvm", "qemu"). Returns 0, or -EINVAL with an error that begins with @where. */
must_check int settings_engine(const char *text, const char *where, enum vm_engine *ret, struct err *err);

/* The name of an engine: a literal. */
const char *settings_engine_name(enum vm_engine engine);

/* Reads a whole decimal number from @min to @max. Returns 0, or -EINVAL with an error that begins with @where. */
must_check int settings_number(
	const char *text, const char *where, uint64_t min, uint64_t max, uint64_t *ret, struct err *err);

#endif
