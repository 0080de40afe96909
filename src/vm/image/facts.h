/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an uncompressed kernel image tells of itself: its release, and what is built into it.
 */
#ifndef VM_IMAGE_FACTS_H
#define VM_IMAGE_FACTS_H

#include "base/err.h"
#include "vm/image/bzimage.h"
#include "vm/image/modules.h"

#define FACTS_CONFIG_MAX (4 * MIB) /* a kernel's configuration, unpacked; Debian's has 0.3 MB */

/* The first word of the "Linux version" banner of a vmlinux in memory. -EBADMSG if there is none. */
must_check int facts_release(const void *image, size_t len, char ret_release[BZIMAGE_RELEASE_MAX], struct err *err);

/*
 * Which needs are built in, by what the image holds: its configuration (CONFIG_IKCONFIG) if
 * it has that, else the drivers' strings.
 */
void facts_from_image(const void *image, size_t len, enum module_state ret_states[MODULES_NEEDS]);

/* The same by the text of a configuration; what it has as a module counts as missing. */
void facts_from_config(const char *config, enum module_state ret_states[MODULES_NEEDS]);

#endif
