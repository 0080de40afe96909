/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `create` and `run` have in common: options, and what is prepared of them before a container is made.
 */
#ifndef CLI_CREATE_CALL_H
#define CLI_CREATE_CALL_H

#include <stdbool.h>

#include "app/settings.h"
#include "base/base.h"
#include "base/err.h"
#include "cli/command.h"
#include "life/life.h"

struct create_options {
	const char *bundle, *pid_file, *pidfd_socket, *console_socket, *preserve_fds;
	bool no_pivot, no_new_keyring; /* options of runc that mean nothing here */
};

/* Their rows, for a table whose struct is struct create_options or begins with one. */
#define CREATE_OPTIONS                                                                                               \
	CLI_STRING_OPTION(                                                                                           \
		struct create_options, bundle, "bundle", 'b', "DIR", "the bundle (default: the current directory)"), \
		CLI_STRING_OPTION(                                                                                   \
			struct create_options, pid_file, "pid-file", 0, "FILE", "write the monitor's pid to FILE"),  \
		CLI_STRING_OPTION(struct create_options, pidfd_socket, "pidfd-socket", 0, "SOCKET",                  \
			"AF_UNIX socket that a pidfd of the monitor is sent to"),                                    \
		CLI_STRING_OPTION(struct create_options, console_socket, "console-socket", 0, "SOCKET",              \
			"AF_UNIX socket that the terminal's master is sent to"),                                     \
		CLI_FLAG_OPTION(struct create_options, no_pivot, "no-pivot", 0,                                      \
			"accepted as an option of runc; means nothing"),                                             \
		CLI_FLAG_OPTION(struct create_options, no_new_keyring, "no-new-keyring", 0,                          \
			"accepted as an option of runc; means nothing"),                                             \
		CLI_STRING_OPTION(struct create_options, preserve_fds, "preserve-fds", 0, "N",                       \
			"pass N descriptors, from 3 on, to the process: pipes, files, stream sockets")

/* Made by create_call_begin(), ended by create_call_end(). */
struct create_call {
	struct settings settings;
	struct create_request request; /* its strings are argv's */
	const char *console_socket;    /* path of --console-socket, or NULL */
	const char *timeline_path;     /* file of --timeline, or NULL */
};

/*
 * Checks the options of @call, which has @options among them, loads the settings, and fills in everything of the request
 * but its console. Returns 0 or -errno with an error. The caller ends @c with create_call_end() in any case.
 */
must_check int create_call_begin(
	const struct call *call, const struct create_options *options, struct create_call *c, struct err *err);

/*
 * Creates the container for a caller that does not stay: its terminal goes to --console-socket, and reports of the
 * monitor after this moment are lost. Returns 0 or -errno with an error.
 */
must_check int create_call_detached(struct create_call *c, struct err *err);

/*
 * Frees what create_call_begin() has made. If @r is 0, the command has succeeded, and --timeline's file is written first.
 * Returns @r, or -errno with an error if that write fails.
 */
must_check int create_call_end(struct create_call *c, int r, struct err *err);

#endif
