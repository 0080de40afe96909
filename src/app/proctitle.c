/* SPDX-License-Identifier: Apache-2.0 */
/* The process's title: see proctitle.h. */
#include "app/proctitle.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/text.h"

static char **args; /* the copy of argv */
static char *area;  /* the memory for the title: @area_len bytes from argv[0] on */
static size_t area_len;

/* A copy of @n strings with a NULL at the end; NULL if memory is short. */
static char **copy_strings(char **from, size_t n)
{
	char **to = calloc(n + 1, sizeof(*to));

	for (size_t i = 0; to && i < n; i++) {
		to[i] = strdup(from[i]);
		if (!to[i])
			return NULL; /* the program ends then, so nothing is freed */
	}
	return to;
}

char **proctitle_init(int argc, char **argv)
{
	char *end = argc > 0 ? argv[0] : NULL;
	char **environment = environ;
	size_t n = 0;

	while (environment && environment[n])
		n++;
	args = copy_strings(argv, (size_t)argc);
	environ = copy_strings(environment, n);
	if (!args || !environ)
		return NULL;
	/* the kernel puts all of these strings one behind another; a string that is elsewhere is not overwritten */
	for (int i = 0; i < argc; i++) {
		if (argv[i] == end)
			end = argv[i] + strlen(argv[i]) + 1;
	}
	for (size_t i = 0; i < n; i++) {
		if (environment[i] == end)
			end = environment[i] + strlen(environment[i]) + 1;
	}
	area = argc > 0 ? argv[0] : NULL;
	area_len = area ? (size_t)(end - area) : 0;
	return args;
}

void proctitle_clear_environment(void)
{
	for (char **at = environ; at && *at; at++)
		explicit_bzero(*at, strlen(*at));
	(void)clearenv(); /* cannot fail: it only drops the list */
}

void proctitle_join(const struct spec_strv *words, char *text, size_t size)
{
	size_t len = 0;

	*text = '\0';
	for (size_t i = 0; i < words->n && len < size - 1; i++) {
		(void)snprintf(text + len, size - len, i ? " %s" : "%s", words->v[i]);
		len = strlen(text);
	}
	text_clean(text, len);
}

void proctitle_set(const char *fmt, ...)
{
	char title[512];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(title, sizeof(title), fmt, ap);
	va_end(ap);
	(void)prctl(PR_SET_NAME, "vmrunc", 0, 0, 0);
	if (area_len == 0)
		return;
	memset(area, 0, area_len);
	(void)snprintf(area, area_len, "%s", title);
}
