/* SPDX-License-Identifier: Apache-2.0 */
/* `vmrunc exec`: one more process in a container; in the foreground it waits for the end, and exits with its code. */
#include <errno.h>
#include <string.h>

#include "app/log.h"
#include "cli/attend.h"
#include "cli/commands.h"
#include "cli/given.h"
#include "cli/notes.h"
#include "life/exec.h"

/* The exit status of an exec that has failed, as runc has it: none that a program is likely to have. */
#define EXIT_FAILED 255

struct exec_options {
	const char *console_socket, *cwd, *user, *process, *pid_file, *pidfd_socket, *label, *apparmor, *preserve_fds;
	struct cli_strings env, gids, caps, cgroup;
	struct cli_switch no_new_privs;
	bool tty, detach, ignore_paused, no_subreaper;
};

static struct spec_words words_of(const struct cli_strings *list)
{
	return (struct spec_words){ .n = list->n, .v = list->v };
}

/*
 * Reads --cgroup: the guest has cgroup v2, in which a process is in one cgroup. runc takes more than one for v1, each with
 * its controllers in front.
 */
static int read_cgroup(const struct cli_strings *given, const char **ret, struct err *err)
{
	const char *path = given->n ? given->v[0] : NULL;

	if (given->n > 1)
		return err_set(err, EINVAL, "--cgroup: only one is possible, since the guest has cgroup v2");
	if (path && strchr(path, ':'))
		return err_set(err, EINVAL, "--cgroup: \"%s\" names controllers, but the guest has cgroup v2", path);
	*ret = path;
	return 0;
}

/* Runs the process here or detached. Returns 0 with call->exit_status, or -errno with an error. */
static int exec_now(struct call *call, const struct exec_request *request, struct err *err)
{
	struct life_notes notes = LIFE_NOTES_INIT;
	struct exec_started started = { .handle = -1, .master = -1 };
	struct settings settings;
	int r = global_settings(&call->global, &settings, err);

	if (r == 0 && request->detach)
		r = container_exec_detached(&settings, request, &notes, err);
	else if (r == 0)
		r = container_exec(&settings, request, &started, &notes, err);
	notes_say(&notes);
	return r < 0 || request->detach ? r : attend(&started, &call->exit_status, err);
}

/* Reads the command line, and runs the process that it asks for. An error has runc's words and exit status. */
static int exec(struct call *call, struct err *err)
{
	const struct exec_options *o = call->options;
	const struct spec_exec words = {
		.args = { .n = (size_t)call->argc - 1, .v = (const char *const *)call->argv + 1 },
		.cwd = o->cwd,
		.env = words_of(&o->env),
		.user = o->user,
		.gids = words_of(&o->gids),
		.caps = words_of(&o->caps),
		.apparmor = o->apparmor,
		.label = o->label,
		.terminal = o->tty,
		.new_privs_given = o->no_new_privs.given,
		.no_new_privs = o->no_new_privs.on,
	};
	struct exec_request request = {
		.id = call->argv[0],
		.process_file = o->process,
		.words = &words,
		.console_socket = o->console_socket,
		.pid_file = o->pid_file,
		.pidfd_socket = o->pidfd_socket,
		.detach = o->detach,
		.ignore_paused = o->ignore_paused,
	};
	struct given_fds given = { .n = 0 };
	int r = given_read(o->preserve_fds, false, &given, err);

	request.given = given.n;
	log_share_stderr(); /* it is the process's */
	if (r == 0)
		r = read_cgroup(&o->cgroup, &request.cgroup, err);
	if (r == 0 && !o->process && call->argc == 1)
		r = err_set(err, EINVAL, "process args cannot be empty");
	if (r == 0)
		r = exec_now(call, &request, err);
	if (r == 0)
		return 0;
	r = err_prefix(err, "exec failed");
	err->exit_status = EXIT_FAILED;
	return r;
}

#define FLAG(field, name, letter, help) CLI_FLAG_OPTION(struct exec_options, field, name, letter, help)
#define STRING(field, name, letter, value, help) \
	CLI_STRING_OPTION(struct exec_options, field, name, letter, value, help)
#define STRINGS(field, name, letter, value, help) \
	CLI_STRINGS_OPTION(struct exec_options, field, name, letter, value, help)

static const struct cli_option exec_options[] = {
	STRING(console_socket, "console-socket", 0, "SOCKET", "AF_UNIX socket that the terminal's master is sent to"),
	STRING(cwd, "cwd", 0, "DIR", "the working directory in the container"),
	STRINGS(env, "env", 'e', "NAME=VALUE", "set a variable of the environment; may be given more than once"),
	FLAG(tty, "tty", 't', "give the process a terminal"),
	STRING(user, "user", 'u', "UID[:GID]", "the process's user, in numbers"),
	STRINGS(gids, "additional-gids", 'g', "GID", "one more group; may be given more than once"),
	STRING(process, "process", 'p', "FILE", "read the process from FILE (process.json)"),
	FLAG(detach, "detach", 'd', "return when the process runs"),
	STRING(pid_file, "pid-file", 0, "FILE", "write the pid of the host that stands for the process to FILE"),
	STRING(pidfd_socket, "pidfd-socket", 0, "SOCKET",
		"with --detach: AF_UNIX socket that a pidfd of that process is sent to"),
	STRING(label, "process-label", 0, "LABEL", "accepted as an option of runc; the guest has no SELinux"),
	STRING(apparmor, "apparmor", 0, "PROFILE", "accepted as an option of runc; the guest has no AppArmor"),
	CLI_SWITCH_OPTION(
		struct exec_options, no_new_privs, "no-new-privs", 0, "forbid the process to gain privileges"),
	STRINGS(caps, "cap", 'c', "CAP", "one more capability; may be given more than once"),
	STRINGS(cgroup, "cgroup", 0, "PATH", "run in this cgroup below the container's, which must exist"),
	STRING(preserve_fds, "preserve-fds", 0, "N",
		"pass the N descriptors from 3 on to the process, as pipes and sockets of the VM"),
	FLAG(ignore_paused, "ignore-paused", 0, "also in a paused container, where it runs when that is resumed"),
	FLAG(no_subreaper, "no-subreaper", 0, "accepted as an option of runc; means nothing"),
	CLI_OPTIONS_END,
};

const struct command command_exec = {
	.name = "exec",
	.args = "ID COMMAND [ARGUMENTS]",
	.min_args = 1,
	.words = true,
	.help = "run one more process in a container",
	.options = exec_options,
	.options_size = sizeof(struct exec_options),
	.run = exec,
};
