/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a VM boots from: a kernel and an initramfs, ready as files.
 *
 * One call prepares both, from the host's kernels and from the agent that is embedded in vmrunc; nothing is downloaded.
 * The first call for a kernel takes about a second, since a bzImage has to be unpacked; later ones take some system
 * calls.
 */
#ifndef VM_IMAGE_IMAGE_H
#define VM_IMAGE_IMAGE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "vm/image/kernel.h"
#include "vm/image/modules.h"
#include "vm/image/search.h"

/*
 * Kernel parameters that every guest gets; each engine adds what its machine needs.
 * dummy.numdummies: the dummy driver, if it is built in, would make an interface "dummy0" beside lo.
 */
#define IMAGE_CMDLINE "quiet cryptomgr.notests pci=off panic=-1 percpu_alloc=page dummy.numdummies=0"

struct image_request {
	const struct kernel_wish *kernels; /* the kernels that are asked for; the first with a path counts */
	size_t kernels_len;
	const char *initrd;       /* a user's own archive, which is unpacked before ours; NULL: none */
	const char *cache_dir;    /* "/var/cache/vmrunc" or a user's own; NULL: none */
	const char *fallback_dir; /* used, with a warning, if cache_dir cannot be; NULL: none */
	const void *agent;        /* the agent's executable */
	size_t agent_len;
	unsigned int modules;               /* of enum modules_on_demand: those that the container may use */
	const struct kernel_places *places; /* NULL: the host's */
	/* Takes a warning, @text, which is valid during the call. NULL: not wanted. */
	void (*warn)(void *arg, const char *text);
	void *warn_arg;
};

struct image {
	int vmlinux_fd, initrd_fd; /* read-only; owned */
	char vmlinux_path[PATH_MAX], initrd_path[PATH_MAX];
	char kernel_path[PATH_MAX]; /* the file that was found: a vmlinuz or a vmlinux */
	char release[KERNEL_RELEASE_MAX];
	char why[KERNEL_WHY_MAX]; /* why this kernel */
	const char *cmdline;      /* IMAGE_CMDLINE */
};

#define IMAGE_INIT                                \
	{                                         \
		.vmlinux_fd = -1, .initrd_fd = -1 \
	}

/*
 * Prepares both files: 0 with *ret for image_done(), or -errno with the descriptors of *ret as they were.
 */
must_check int image_prepare(const struct image_request *req, struct image *ret, struct err *err);

/* Closes the descriptors. Accepts IMAGE_INIT. */
void image_done(struct image *img);

/* What image_prepare() would find, for `vmrunc check`. */
struct image_report {
	bool usable;                /* a VM could boot */
	struct err problem;         /* if it is not usable: the reason */
	char kernel_path[PATH_MAX]; /* "": none found; the rest of the kernel's fields are then empty */
	char release[KERNEL_RELEASE_MAX];
	char why[KERNEL_WHY_MAX];
	char modules_dir[PATH_MAX];              /* "": everything is built in */
	enum module_state states[MODULES_NEEDS]; /* of modules_needs[] */
	struct buf passed_over;                  /* a line for each kernel that was looked at and not taken */
	struct buf remedy;         /* a line for each thing that is missing, with the packages that bring it */
	char cache_path[PATH_MAX]; /* "": none usable */
	struct buf text;           /* all of this but the remedies, in several lines */
};

/*
 * Reports what is there without preparing anything: 0 with *ret for image_report_done(), or -ENOMEM. A machine without
 * a kernel makes a report, not an error.
 */
must_check int image_report(const struct image_request *req, struct image_report *ret);

/* Frees what the report holds. */
void image_report_done(struct image_report *r);

/* The state in words: "built in", "module", "missing" or "unknown"; static. */
const char *image_module_state_name(enum module_state state);

#endif
