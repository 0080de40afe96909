/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The names of constants that config.json uses, and their numbers.
 *
 * Each list ends with a NULL name. Where several names have one value, the first of them is the one that is printed.
 */
#ifndef SPEC_NAMES_H
#define SPEC_NAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/base.h"

struct spec_name {
	const char *name;
	uint32_t value;
};

extern const struct spec_name spec_ns_names[];             /* enum spec_ns */
extern const struct spec_name spec_rlimit_names[];         /* RLIMIT_* */
extern const struct spec_name spec_sched_policies[];       /* SCHED_* */
extern const struct spec_name spec_sched_flags[];          /* SCHED_FLAG_* */
extern const struct spec_name spec_ioprio_classes[];       /* IOPRIO_CLASS_* */
extern const struct spec_name spec_propagations[];         /* MS_* */
extern const struct spec_name spec_device_types[];         /* 'c', 'b', 'p' */
extern const struct spec_name spec_device_rule_types[];    /* 'a', 'c', 'b' */
extern const struct spec_name spec_seccomp_action_names[]; /* enum spec_seccomp_action */
extern const struct spec_name spec_seccomp_op_names[];     /* enum spec_seccomp_op */
extern const struct spec_name spec_seccomp_arch_names[];   /* enum spec_seccomp_arch */
extern const struct spec_name spec_seccomp_flag_names[];   /* SECCOMP_FILTER_FLAG_* */
extern const struct spec_name spec_mpol_modes[];           /* MPOL_* */
extern const struct spec_name spec_mpol_flags[];           /* MPOL_F_* */
extern const struct spec_name spec_personality_domains[];  /* PER_* */
extern const struct spec_name spec_image_formats[];        /* enum spec_vm_image_format */

/* The value of the name @text, letter for letter, into *@ret; false, and *@ret untouched, if no name is like that. */
must_check bool spec_name_find(const struct spec_name *names, const char *text, uint32_t *ret);

/* The first name of @value, or NULL. */
const char *spec_name_of(const struct spec_name *names, uint32_t value);

/* The number of a capability ("CAP_CHOWN": 0); -1 for a name that libcap does not know. */
int spec_cap_number(const char *name);

#endif
