/* SPDX-License-Identifier: Apache-2.0 */
/* Values of systemd properties as text: see gvariant.h. */
#include "config.h"

#ifdef HAVE_LIBSYSTEMD

#include "cgroup/gvariant.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_MAX_LEN 128
#define STRING_MAX 4096
#define SECOND_US 1000000

/* The words that may stand before a number and say its type. A number without one is an int32, as GVariant has it. */
static const struct {
	const char *word, *type;
	int64_t min;
	uint64_t max;
} number_types[] = {
	{ "byte", "y", 0, UINT8_MAX },
	{ "int16", "n", INT16_MIN, INT16_MAX },
	{ "uint16", "q", 0, UINT16_MAX },
	{ "int32", "i", INT32_MIN, INT32_MAX },
	{ "uint32", "u", 0, UINT32_MAX },
	{ "int64", "x", INT64_MIN, INT64_MAX },
	{ "uint64", "t", 0, UINT64_MAX },
};

#define KIND_DEFAULT 3 /* int32 */

/* Whether @name has letters only, and three at least, as runc demands of a property's name. */
static bool is_name(const char *name)
{
	size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");

	return len >= 3 && len < NAME_MAX_LEN && name[len] == '\0';
}

static const char *skip_blanks(const char *at)
{
	return at + strspn(at, " \t\n");
}

/*
 * Copies the quoted string at *@at to @to and moves *@at behind it. The string is 'text' or "text"; a backslash takes
 * the next character literally. Returns 0 or -EINVAL.
 */
static int take_string(const char **at, char *to, size_t len)
{
	char quote = **at;
	size_t n = 0;

	if (quote != '\'' && quote != '"')
		return -EINVAL;
	for ((*at)++; **at != quote; (*at)++) {
		if (**at == '\\')
			(*at)++;
		if (**at == '\0' || n + 1 >= len)
			return -EINVAL;
		to[n++] = **at;
	}
	(*at)++;
	to[n] = '\0';
	return 0;
}

/* Appends "(sv)" of @name and the array of strings at @at, which begins with "[". */
static int append_strings(sd_bus_message *m, const char *name, const char *at)
{
	char text[STRING_MAX];
	int r = sd_bus_message_open_container(m, 'r', "sv");

	if (r >= 0)
		r = sd_bus_message_append(m, "s", name);
	if (r >= 0)
		r = sd_bus_message_open_container(m, 'v', "as");
	if (r >= 0)
		r = sd_bus_message_open_container(m, 'a', "s");
	at = skip_blanks(at + 1);
	while (r >= 0 && *at != ']') {
		r = take_string(&at, text, sizeof(text));
		if (r >= 0)
			r = sd_bus_message_append(m, "s", text);
		at = skip_blanks(at);
		if (*at == ',')
			at = skip_blanks(at + 1);
		else if (*at != ']')
			r = -EINVAL;
	}
	if (r >= 0 && *skip_blanks(at + 1))
		r = -EINVAL;
	for (int i = 0; r >= 0 && i < 3; i++)
		r = sd_bus_message_close_container(m);
	return r;
}

/*
 * Whether @name is that of a time in seconds, as "TimeoutStopSec"; then @to becomes "TimeoutStopUSec", which the bus
 * knows.
 */
static bool is_seconds(const char *name, char *to, size_t len)
{
	size_t n = strlen(name);

	if (n < 4 || strcmp(name + n - 3, "Sec") != 0 || strcmp(name + n - 4, "USec") == 0)
		return false;
	(void)snprintf(to, len, "%.*sUSec", (int)(n - 3), name);
	return true;
}

/* Appends "(sv)" of @name and the number of seconds in @digits, which may have a fraction, as microseconds. */
static int append_seconds(sd_bus_message *m, const char *name, const char *digits)
{
	char *end;
	double seconds = strtod(digits, &end);

	if (end == digits || *skip_blanks(end) || !(seconds >= 0) || seconds > (double)(UINT64_MAX / SECOND_US / 2))
		return -EINVAL;
	return sd_bus_message_append(m, "(sv)", name, "t", (uint64_t)(seconds * SECOND_US));
}

/* Appends "(sv)" of @name and the number in @text, whose type is number_types[@kind]. */
static int append_number(sd_bus_message *m, const char *name, size_t kind, const char *text)
{
	const char *type = number_types[kind].type;
	unsigned long long n;
	long long negative;
	char *end;

	errno = 0;
	if (*text == '-') {
		negative = strtoll(text, &end, 0);
		if (errno || *skip_blanks(end) || negative < number_types[kind].min)
			return -EINVAL;
		n = (unsigned long long)negative;
	} else {
		n = strtoull(text, &end, 0);
		if (errno || end == text || *skip_blanks(end) || n > number_types[kind].max)
			return -EINVAL;
	}
	if (strchr("tx", *type))
		return sd_bus_message_append(m, "(sv)", name, type, (uint64_t)n);
	return sd_bus_message_append(m, "(sv)", name, type, (int)n);
}

int gvariant_append_property(sd_bus_message *m, const char *name, const char *text)
{
	char string[STRING_MAX], usec[NAME_MAX_LEN + 1];
	size_t kind = KIND_DEFAULT, word;

	if (!is_name(name))
		return -EINVAL;
	text = skip_blanks(text);
	if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0)
		return sd_bus_message_append(m, "(sv)", name, "b", *text == 't');
	if (*text == '[')
		return append_strings(m, name, text);
	if (*text == '\'' || *text == '"') {
		if (take_string(&text, string, sizeof(string)) < 0 || *skip_blanks(text))
			return -EINVAL;
		return sd_bus_message_append(m, "(sv)", name, "s", string);
	}
	word = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789");
	for (size_t i = 0; i < ARRAY_LEN(number_types); i++) {
		if (strlen(number_types[i].word) == word && strncmp(number_types[i].word, text, word) == 0) {
			kind = i;
			text = skip_blanks(text + word);
			break;
		}
	}
	if (is_seconds(name, usec, sizeof(usec)))
		return append_seconds(m, usec, text);
	return append_number(m, name, kind, text);
}

#endif
