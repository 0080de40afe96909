/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of processes that ps(1) of procps prints, for processes of a guest: the columns that its options choose, with
 * the same headings. Options that choose processes mean nothing: it is always those of one container.
 */
#ifndef CLI_PSTABLE_H
#define CLI_PSTABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/base.h"
#include "base/err.h"
#include "guest/ps.h"

#define PSTABLE_COLUMNS_MAX 32

struct pscolumn;

struct pstable {
	const struct pscolumn *columns[PSTABLE_COLUMNS_MAX];
	const char *headings[PSTABLE_COLUMNS_MAX]; /* borrowed from the options or static */
	size_t n;
	bool no_heading;
};

/*
 * Reads ps(1)'s options in @words (NULL at the end; none: -ef), whose strings it cuts and borrows: 0, or -EINVAL with an
 * error that names what is not known.
 */
must_check int pstable_parse(struct pstable *table, const char *const *words, struct err *err);

/* Prints the table of @list to stdout. 0, or -ENOMEM with an error. */
must_check int pstable_print(const struct pstable *table, const struct proto_ps *list, struct err *err);

#endif
