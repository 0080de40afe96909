/* SPDX-License-Identifier: Apache-2.0 */
/* What translate.c and its parts share: the result while it is being made. Only they include this. */
#ifndef GUEST_TRANSLATION_H
#define GUEST_TRANSLATION_H

#include "base/buf.h"
#include "guest/translate.h"
#include "spec/mountopt.h"
#include "spec/resources.h"
#include "spec/seccomp.h"

struct guest_translation {
	struct guest_container container;
	struct mountopts *mountopts; /* one for each mount; owns the data strings */
	size_t n_mountopts;
	struct resource_files resources;
	struct buf device_filter;
	struct seccomp_program seccomp;
};

/*
 * Makes a zeroed array of @n items of @size bytes; @ret_array and @ret_len are the members of its struct, which owns
 * it. @field is where in config.json they come from. 0 or -errno with @err set; -E2BIG if @n is above @max, which is
 * what the channel carries.
 */
must_check int translation_array(
	size_t n, size_t max, size_t size, const char *field, void *ret_array, uint32_t *ret_len, struct err *err);

/* Makes an array of the strings of @from, which stay the spec's. 0 or -errno with @err set. */
must_check int translation_strings(
	const struct spec_strv *from, const char *field, struct guest_strings *to, struct err *err);

/* translate_mounts.c: fills the mounts of @t, whose sources are found by @exports. 0 or -errno with @err set. */
must_check int translate_mounts(
	const struct spec *spec, const struct guest_export_list *exports, struct guest_translation *t, struct err *err);

/*
 * translate_process.c: fills the process of @t from @from; what @spec says of all processes, such as the seccomp
 * filter, is taken from there. @store as in guest_translate(). 0 or -errno with @err set.
 */
must_check int translate_process(const struct spec *spec, const struct spec_process *from,
	const struct seccomp_store *store, struct warnings *w, struct guest_translation *t, struct err *err);

#endif
