/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel modules that a guest needs, found by libkmod.
 *
 * What a kernel must have is a table (modules_needs); for each line the kernel
 * has it built in, has a module for it, or lacks it. The files are unpacked
 * and their signatures cut off (the guest would spend most of its boot on
 * checking them), in an order in which each finds its dependencies loaded.
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
	const char *module; /* as modprobe takes it */
	const char *config; /* the kernel option that brings it */
	const char *marker; /* a whole string that a kernel has in its image when this is built in */
	const char *what;   /* what it is for, in words */
	bool required;
};

extern const struct module_need modules_needs[];
#define MODULES_NEEDS 7

enum module_state {
	MODULE_UNKNOWN, /* not looked at */
	MODULE_BUILT_IN,
	MODULE_FILE,
	MODULE_MISSING,
};

/*
 * Looks each need up in a module directory as depmod leaves it
 * (".../lib/modules/RELEASE"): @ret_states[i] is that of modules_needs[i].
 * Fails only if the directory cannot be read or is not complete.
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

/*
 * Reads the modules of all needs that @dir has, dependencies first. A required
 * need that is missing is an error naming module and option; optional ones
 * are left out. The caller frees *ret with modules_free().
 */
must_check int modules_load(const char *dir, struct module_list **ret_list, struct err *err);
void modules_free(struct module_list *list); /* accepts NULL */

/* The length of a module's ELF file without the signature appended to it; @len if there is none. */
size_t modules_cut_signature(const void *data, size_t len);

#endif
