/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process of an exec: what its process.json or its command line says, and what it takes over from the config of the
 * container, as runc does.
 */
#ifndef SPEC_EXEC_H
#define SPEC_EXEC_H

#include <stdbool.h>
#include <stddef.h>

#include "base/base.h"
#include "base/err.h"
#include "json/warnings.h"
#include "spec/spec.h"

/* Words that are borrowed, such as the values of an option that was given several times. */
struct spec_words {
	size_t n;
	const char *const *v;
};

/* What a command line says of the process. NULL, an empty list and false leave what the config has. */
struct spec_exec {
	struct spec_words args; /* the program and its arguments; at least one */
	const char *cwd;
	struct spec_words env;        /* NAME=VALUE: added, or in the place of the config's */
	const char *user;             /* UID[:GID] */
	struct spec_words gids, caps; /* numbers and CAP_*: added */
	const char *apparmor, *label;
	bool terminal;
	bool new_privs_given, no_new_privs; /* --no-new-privs was given, and says this */
};

/*
 * Turns config->process into the process that @words asks for, and checks it by the rules of `process`. The words must
 * outlive @config. 0, or -EINVAL or -ENOMEM with an error that names the option or the field.
 */
must_check int spec_exec_words(
	struct spec *config, const struct spec_exec *words, struct warnings *warnings, struct err *err);

/*
 * Gives @process, which a process.json has described, what that has left out and the process of @config has:
 * capabilities, limits, scheduling, umask, oomScoreAdj, labels. Both must outlive the use of @process.
 */
void spec_exec_inherit(const struct spec *config, struct spec_process *process);

#endif
