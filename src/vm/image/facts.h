/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an uncompressed kernel image tells about itself: its release, and what is built into it.
 *
 * A look into an image reads some 20 MB of it, so what it has told is kept in the cache.
 */
#ifndef VM_IMAGE_FACTS_H
#define VM_IMAGE_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "base/err.h"
#include "host/cache.h"
#include "vm/image/bzimage.h"
#include "vm/image/modules.h"

#define FACTS_CONFIG_MAX (4 * MIB) /* a kernel's configuration, unpacked; Debian's has 0.3 MB */

struct facts {
	char release[BZIMAGE_RELEASE_MAX];
	enum module_state built_in[MODULES_NEEDS]; /* of modules_needs[]: MODULE_BUILT_IN or MODULE_MISSING */
};

/* Reads the facts from the vmlinux @fd (borrowed): 0 or -errno; -EBADMSG if it is no Linux kernel. */
must_check int facts_look(int fd, struct facts *ret, struct err *err);

/* Reads the facts that facts_store() has kept of the kernel whose file has the state @st. False: there are none. */
bool facts_load(struct cache *cache, const struct stat *st, struct facts *ret);

/* Keeps the facts of the kernel whose file has the state @st. A cache that cannot take them goes without. */
void facts_store(struct cache *cache, const struct stat *st, const struct facts *f);

/* Reads the release from the "Linux version" banner of the vmlinux @image of @len bytes. -EBADMSG if it has none. */
must_check int facts_release(const void *image, size_t len, char ret_release[BZIMAGE_RELEASE_MAX], struct err *err);

/*
 * Tells which needs are built into the vmlinux @image of @len bytes: by its configuration, if it embeds that
 * (CONFIG_IKCONFIG), else by the strings that the drivers leave in it.
 */
void facts_from_image(const void *image, size_t len, enum module_state ret_states[MODULES_NEEDS]);

/* Tells the same by the text of a configuration. What the kernel has as a module counts as missing. */
void facts_from_config(const char *config, enum module_state ret_states[MODULES_NEEDS]);

#endif
