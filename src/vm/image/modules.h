/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel modules that a guest needs, found by libkmod.
 *
 * A table (modules_needs) lists what a guest's kernel needs. A kernel has each of these built in, has a module for it,
 * or lacks it. The modules' files are unpacked, their signatures are cut off, since the guest would spend most of its
 * boot on checking them, and they are put into an order in which each finds its dependencies loaded.
 */
#ifndef VM_IMAGE_MODULES_H
#define VM_IMAGE_MODULES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

#define MODULES_MAX 64             /* files in one initramfs; Debian's kernel needs 17 */
#define MODULE_NAME_LEN 64         /* Linux allows 56 */
#define MODULE_SIZE_MAX (32 * MIB) /* one module, unpacked */

struct module_need {
	const char *module; /* the module's name, as modprobe takes it */
	const char *config; /* the option of the kernel's configuration that brings it */
	const char *marker; /* a string of its driver: an image that has it as a whole string has the driver built in */
	const char *what;   /* what it is for, in words */
	bool required;      /* without it no guest starts */
	unsigned int on_demand; /* 0: in every guest; else of enum modules_on_demand: in guests that want it */
};

/* What only some containers use, and what costs every guest that has it memory and time to start. */
enum modules_on_demand {
	MODULES_FUSE = 1 << 0,
	MODULES_TUN = 1 << 1,
	MODULES_LOOP = 1 << 2,
	MODULES_OVERLAY = 1 << 3,
};

extern const struct module_need modules_needs[];
#define MODULES_NEEDS 11

enum module_state {
	MODULE_UNKNOWN, /* not looked at */
	MODULE_BUILT_IN,
	MODULE_FILE,
	MODULE_MISSING,
};

/*
 * Looks each need up in the module directory @dir (".../lib/modules/RELEASE", as depmod leaves it): @ret_states[i] is
 * the state of modules_needs[i]. 0, or -errno if the directory cannot be read or is not complete.
 */
must_check int modules_look_up(const char *dir, enum module_state ret_states[MODULES_NEEDS], struct err *err);

struct module {
	char name[MODULE_NAME_LEN]; /* "9pnet_virtio" */
	struct buf data;            /* the ELF file, without signature */
};

struct module_list {
	struct module item[MODULES_MAX];
	size_t len;
};

/* Whether a guest that wants @wanted (of enum modules_on_demand) gets @need. */
bool modules_wanted(const struct module_need *need, unsigned int wanted);

/*
 * Reads the modules for all needs of a guest that wants @wanted (of enum modules_on_demand) that the module directory
 * @dir has, each behind its dependencies: 0 with *ret_list for modules_free(), or -errno; -ENOPKG if a required one is
 * missing. Optional ones that are missing are left out.
 */
must_check int modules_load(const char *dir, unsigned int wanted, struct module_list **ret_list, struct err *err);

/* Frees the list and the modules in it. Accepts NULL. */
void modules_free(struct module_list *list);

/* The length of the module @data of @len bytes without the signature that is appended to it; @len if there is none. */
size_t modules_cut_signature(const void *data, size_t len);

#endif
