/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of CPUs or of memory nodes: see cpulist.h. */
#include "base/cpulist.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *skip_blanks(const char *p)
{
	return p + strspn(p, " \t\n");
}

/* Reads a number at *@p, with blanks around it, and moves *@p behind them. */
static int parse_number(const char **p, unsigned long *ret)
{
	char *end;

	*p = skip_blanks(*p);
	if (!isdigit((unsigned char)**p))
		return -EINVAL;
	errno = 0;
	*ret = strtoul(*p, &end, 10);
	if (errno || *ret >= CPULIST_BITS)
		return -ERANGE;
	*p = skip_blanks(end);
	return 0;
}

int cpulist_parse(const char *text, struct cpulist *ret)
{
	struct cpulist l = { .bits = { 0 } };
	const char *p = skip_blanks(text);

	while (*p) {
		unsigned long first = 0, last;
		int rc = parse_number(&p, &first);

		last = first;
		if (!rc && *p == '-') {
			p++;
			rc = parse_number(&p, &last);
		}
		if (!rc && last < first)
			rc = -EINVAL;
		if (rc < 0)
			return rc;
		for (; first <= last; first++)
			l.bits[first / 64] |= 1ull << (first % 64);
		if (!*p)
			break;
		if (*p++ != ',' || !*skip_blanks(p))
			return -EINVAL;
	}
	*ret = l;
	return 0;
}

size_t cpulist_count(const struct cpulist *l)
{
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(l->bits); i++)
		n += (size_t)__builtin_popcountll(l->bits[i]);
	return n;
}
