/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The annotations org.vmrunc.* of a container, of which only those count that the host's settings name: engines pass
 * on what an image carries, and an image is not the host's word.
 */
#ifndef LIFE_ANNOTATION_H
#define LIFE_ANNOTATION_H

#include <stdint.h>

#include "app/settings.h"
#include "base/base.h"
#include "base/err.h"
#include "json/warnings.h"
#include "spec/spec.h"

/* The value of an annotation if the settings let it count, else NULL. It belongs to @spec. */
const char *annotation_get(const struct settings *s, const struct spec *spec, enum settings_annotation which);

/*
 * Reads the number of an annotation, from @min to @max: 1 with *@ret, 0 if there is none that counts, or -EINVAL with
 * an error.
 */
must_check int annotation_number(const struct settings *s, const struct spec *spec, enum settings_annotation which,
	uint64_t min, uint64_t max, uint64_t *ret, struct err *err);

/* Adds a warning for each annotation of ours in @spec that does not count. */
void annotations_warn(const struct settings *s, const struct spec *spec, struct warnings *warnings);

#endif
