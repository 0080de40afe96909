/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For tests of the qemu engine: a machine whose QEMU is false. It is the test's own program again, under a name that says
 * how it is to behave (bench_begin()). Both need root and mounts; without them the test is skipped.
 */
#ifndef TESTS_UNIT_QEMU_BENCH_H
#define TESTS_UNIT_QEMU_BENCH_H

#include "base/loop.h"
#include "vm/vm.h"

/* ---- the false QEMU ---- */

#define GREETING "{\"QMP\": {\"version\": {}, \"capabilities\": []}}\r\n"
#define OK(id) "{\"return\": {}, \"id\": " #id "}\r\n"
#define EVENT(name, reason) "{\"event\": \"" name "\", \"data\": {\"guest\": true, \"reason\": \"" reason "\"}}\r\n"
#define STOPPED "{\"event\": \"STOP\"}\n"

/* What it does instead of a test's main(), as @how says: its exit status. */
typedef int fake_fn(const char *how, char **argv);

/* The descriptor that the command line gives for @chardev ("id=qmp"), or -1. */
int fake_fd(char **argv, const char *chardev);

/* Sends @text, or ends the process. */
void fake_say(int fd, const char *text);

/* Waits for a line that contains @word; another one, or none, ends the process, and stderr says which. */
void fake_hear(int fd, const char *word);

/* Its part of vm_start(), up to the reply to command 2. */
void fake_boot(int qmp);

/* ---- the test's side ---- */

struct bench {
	char dir[64];
	char program[128];
	char runtime[128];
	char exports[128];
	struct vm_config cfg;
	struct loop *loop;
	int exits; /* calls of bench_on_exit(), with the next two */
	enum vm_exit how;
	char detail[512];
};

/* Comes first in main(): becomes a false QEMU if the name of the program is that of one, and else returns. Whatever hangs, the test ends. */
void bench_begin(char **argv, fake_fn *fake);

/* Makes what a machine needs whose QEMU behaves as @fake says; or skips the test. */
void bench_open(struct bench *b, const char *fake);

/* Removes it, and checks that the VM has left nothing and no process. */
void bench_close(struct bench *b);

/* As vm_events.on_exit, of a struct bench: keeps what it is told, and ends the loop. */
void bench_on_exit(void *arg, enum vm_exit how, const char *detail);

/* The machine, by vm_new(). */
struct vm *bench_new(struct bench *b);

/* Lets it run. */
void bench_start(struct bench *b, struct vm *vm);

/* The same, to its end. */
void bench_run(struct bench *b, struct vm *vm);

#endif
