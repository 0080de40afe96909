/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent without a virtual machine: it runs as PID 1 of a pid namespace, its
 * channel is a socketpair, its shares are directories. The other end is the
 * monitor's own code (guest.h). The containers' root is a static busybox.
 */
#ifndef TESTS_AGENT_RIG_H
#define TESTS_AGENT_RIG_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/base.h"
#include "base/err.h"
#include "base/loop.h"
#include "guest/guest.h"

#define PROCESSES_MAX 32 /* of one test */

struct rig {
	char dir[64];
	pid_t agent;
	int fd;
	struct loop *loop;
	struct watch *timeout;
	struct guest *guest;
	bool ready, closed;
	/* the outcome of the last request */
	bool done;
	struct err err;
	/* the exits, by process number */
	bool exited[PROCESSES_MAX];
	int statuses[PROCESSES_MAX];
	int status; /* of the one that was waited for last */
};

extern struct rig rig;

/* Around each test: makes the tree, starts the agent and waits for its HELLO; ends it and removes the tree. */
int rig_setup(void **state);
int rig_teardown(void **state);
#define in_a_rig(test) cmocka_unit_test_setup_teardown(test, rig_setup, rig_teardown)

/* The same with cgroups for the containers, where this machine lets one have any. */
int rig_setup_with_cgroup(void **state);
#define in_a_rig_with_cgroup(test) cmocka_unit_test_setup_teardown(test, rig_setup_with_cgroup, rig_teardown)

/* The agent's pid, as the test counts. */
pid_t rig_agent_pid(void);

/* At the start of a test program: whatever hangs, the program ends after a while. */
void rig_begin(void);

/* Skips the test if the caller is not root, or there is no busybox. */
void rig_need_root(void);

/* The callback for requests, with &rig as its argument; rig_answer() waits for it and returns rig.err.errnum. */
void rig_on_done(void *arg, const struct err *err, const void *payload, size_t len);
int rig_answer(void);

/* Runs a shell's @command in the root of the containers. */
void rig_in_rootfs(const char *command);

/* @text must have @want in it. */
void rig_expect_in(const char *text, const char *want);

/* --- containers --- */

#define MAX_ARGS 8
#define MAX_MOUNTS 16

struct box {
	struct guest_container c;
	const char *args[MAX_ARGS];
	const char *env[4];
	struct guest_mount mounts[MAX_MOUNTS];
	struct guest_device devices[4];
	int out[2], in; /* the test's ends of its standard streams; -1: not asked for */
	char text[2][65536];
};

extern struct box box; /* most tests need one */

/* Makes @b a container "c", as usual configs have them, that runs `sh -c @script`. */
void box_init(struct box *b, const char *script);

/* Adds a mount to it. */
void box_mount(struct box *b, struct guest_mount m);

/* CREATE, START and DELETE. box_create() returns the errno of the answer; the others must succeed. */
int box_create(struct box *b, bool with_stdin);
void box_start(struct box *b);
void box_delete(struct box *b);

/* EXEC in container @cid: the errno of the answer. What @b->c says of a container does not count. */
int box_exec(struct box *b, const char *cid);

/* Gives @b one more startContainer hook in @list: a shell's @script, with @args for its arguments. */
void box_hook(struct box *b, struct guest_hook *list, const char **args, const char *script, uint32_t timeout_s);

/* Waits for the end of the process: rig.status. */
void box_wait_exit(const struct box *b);

/* Reads what its pipes hold, to their end, into @b->text, and closes them. */
void box_read(struct box *b);

/* All of the above in turn: the status, as wait(2) gives it. */
int box_run(struct box *b);

/* The standard output must be @want. */
void box_expect_out(const struct box *b, const char *want);

#endif
