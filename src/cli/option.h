/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An option of the command line: a row of a table, which says how it is written and where its value is stored.
 */
#ifndef CLI_OPTION_H
#define CLI_OPTION_H

#include <stdbool.h>
#include <stddef.h>

enum cli_kind {
	CLI_FLAG,    /* the field is a bool */
	CLI_SWITCH,  /* the field is a struct cli_switch: a flag that, left out, means something of its own */
	CLI_STRING,  /* the field is a const char *, NULL while the option is not given; the string is argv's */
	CLI_STRINGS, /* the field is a struct cli_strings: the option may be given more than once */
};

/* The value of a CLI_SWITCH. */
struct cli_switch {
	bool given, on;
};

/* The values of a CLI_STRINGS, in the order of the command line. The strings are argv's; the array is the parser's. */
struct cli_strings {
	size_t n;
	const char **v;
};

struct cli_option {
	const char *name; /* without the dashes */
	char letter;      /* of the short form; 0: there is none */
	enum cli_kind kind;
	const char *value; /* what help calls the value of a string; "a|b" are all the values that there are */
	size_t offset;     /* of the field in the struct of options */
	const char *help;
};

/* Rows of a table of options. @field is a member of the struct @type. */
#define CLI_FLAG_OPTION(type, field, name, letter, help)                  \
	{                                                                 \
		name, letter, CLI_FLAG, NULL, offsetof(type, field), help \
	}
#define CLI_SWITCH_OPTION(type, field, name, letter, help)                  \
	{                                                                   \
		name, letter, CLI_SWITCH, NULL, offsetof(type, field), help \
	}
#define CLI_STRING_OPTION(type, field, name, letter, value, help)            \
	{                                                                    \
		name, letter, CLI_STRING, value, offsetof(type, field), help \
	}
#define CLI_STRINGS_OPTION(type, field, name, letter, value, help)            \
	{                                                                     \
		name, letter, CLI_STRINGS, value, offsetof(type, field), help \
	}
#define CLI_OPTIONS_END                          \
	{                                        \
		NULL, 0, CLI_FLAG, NULL, 0, NULL \
	}

#endif
