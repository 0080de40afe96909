/* SPDX-License-Identifier: Apache-2.0 */
/* The names of signals: see signal.h. */
#include "spec/signal.h"

#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The first realtime signal that glibc and musl leave to programs: they keep 32 and 33 for themselves. */
#define RTMIN_NR 34

#define NAME(x)                  \
	{                        \
		"SIG" #x, SIG##x \
	}
static const struct {
	const char *name;
	int number;
} signal_names[] = {
	NAME(HUP),
	NAME(INT),
	NAME(QUIT),
	NAME(ILL),
	NAME(TRAP),
	NAME(ABRT),
	NAME(BUS),
	NAME(FPE),
	NAME(KILL),
	NAME(USR1),
	NAME(SEGV),
	NAME(USR2),
	NAME(PIPE),
	NAME(ALRM),
	NAME(TERM),
	NAME(STKFLT),
	NAME(CHLD),
	NAME(CONT),
	NAME(STOP),
	NAME(TSTP),
	NAME(TTIN),
	NAME(TTOU),
	NAME(URG),
	NAME(XCPU),
	NAME(XFSZ),
	NAME(VTALRM),
	NAME(PROF),
	NAME(WINCH),
	NAME(IO),
	NAME(PWR),
	NAME(SYS),
	/* further names of signals above */
	NAME(IOT),
	NAME(POLL),
	{ "SIGCLD", SIGCHLD },
	{ "SIGUNUSED", SIGSYS },
};

/* The number @text, which must be decimal digits alone, if it is at most SIGNAL_MAX; else -EINVAL. */
static int parse_decimal(const char *text)
{
	size_t digits = strspn(text, "0123456789");

	if (!digits || digits > 3 || text[digits])
		return -EINVAL;
	return atoi(text) <= SIGNAL_MAX ? atoi(text) : -EINVAL;
}

/* The number of "RTMIN", "RTMIN+n", "RTMAX" or "RTMAX-n"; else -EINVAL. */
static int parse_realtime(const char *text)
{
	int is_min = strncasecmp(text, "RTMIN", 5) == 0;
	int offset;

	if (!is_min && strncasecmp(text, "RTMAX", 5) != 0)
		return -EINVAL;
	if (!text[5])
		return is_min ? RTMIN_NR : SIGNAL_MAX;
	if (text[5] != (is_min ? '+' : '-'))
		return -EINVAL;
	offset = parse_decimal(text + 6);
	if (offset < 0 || offset > SIGNAL_MAX - RTMIN_NR)
		return -EINVAL;
	return is_min ? RTMIN_NR + offset : SIGNAL_MAX - offset;
}

int signal_parse(const char *text)
{
	if (isdigit((unsigned char)*text))
		return parse_decimal(text);
	if (strncasecmp(text, "SIG", 3) == 0)
		text += 3;
	for (size_t i = 0; i < ARRAY_LEN(signal_names); i++)
		if (strcasecmp(signal_names[i].name + 3, text) == 0)
			return signal_names[i].number;
	return parse_realtime(text);
}

const char *signal_name(int signal)
{
	for (size_t i = 0; i < ARRAY_LEN(signal_names); i++)
		if (signal_names[i].number == signal)
			return signal_names[i].name;
	return NULL;
}
