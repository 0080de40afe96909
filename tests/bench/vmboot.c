/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Boots a kernel and an initrd through vm.h: for tests of the engines alone, for benchmarks, and for looking at a guest
 * by hand.
 *
 *   vmboot [--engine kvm|qemu|auto] --kernel VMLINUX --initrd CPIO [--cmdline TEXT]
 *          [--mem MIB] [--cpus N] [--private NAME=PATH]... [--shared NAME=PATH]...
 *          [--cache-dir DIR] [--log FILE] [--timeline] [--timeout SECONDS]
 *
 * The guest's console goes to --log (default: stdout), the agent port's bytes to stdout, stdin's to the agent port.
 * Exit status: 0 poweroff, 3 reset, 4 the engine failed, 5 time out, 1 could not start.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/loop.h"
#include "vm/choose/choose.h"
#include "vm/guestlog.h"
#include "vm/vm.h"

#define EXPORTS_MAX 16
#define DEFAULT_CMDLINE "console=ttyS0 quiet cryptomgr.notests pci=off reboot=t panic=-1 percpu_alloc=page"

enum { EXIT_RESET = 3, EXIT_FAILED = 4, EXIT_TIMEOUT = 5 };

struct export
{
	enum vm_share share;
	char *arg; /* NAME=PATH */
};

struct boot {
	struct vm_config cfg;
	int log_fd; /* of the guest's console; borrowed */
	struct export exports[EXPORTS_MAX];
	unsigned int exports_len;
	unsigned int timeout_s;
	bool timeline;
	struct timespec start;
	struct loop *loop;
	struct vm *vm;
	struct watch *stdin_watch;
	int status;
};

static double ms_since(const struct timespec *start)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail with this clock */
	return (double)(now.tv_sec - start->tv_sec) * 1e3 + (double)(now.tv_nsec - start->tv_nsec) / 1e6;
}

static void on_mark(void *arg, const char *mark)
{
	struct boot *b = arg;

	if (b->timeline)
		fprintf(stderr, "%8.1f ms %s\n", ms_since(&b->start), mark);
}

static void on_exit_vm(void *arg, enum vm_exit how, const char *detail)
{
	struct boot *b = arg;

	on_mark(b, detail);
	b->status = how == VM_EXIT_POWEROFF ? 0 : how == VM_EXIT_RESET ? EXIT_RESET : EXIT_FAILED;
	if (how == VM_EXIT_FAILED)
		fprintf(stderr, "vmboot: %s\n", detail);
	loop_stop(b->loop);
}

static void on_timeout(void *arg)
{
	struct boot *b = arg;

	fprintf(stderr, "vmboot: no end within %u s\n", b->timeout_s);
	b->status = EXIT_TIMEOUT;
	loop_stop(b->loop);
}

/* Copies what can be read from @from to @to, without waiting for more. */
static void copy_some(int from, int to)
{
	char chunk[65536];
	ssize_t n;

	while ((n = read(from, chunk, sizeof(chunk))) > 0) {
		if (fd_write_full(to, chunk, (size_t)n) < 0)
			return; /* the reader of stdout is gone: as for any filter */
	}
}

static void on_channel(void *arg, unused uint32_t events)
{
	struct boot *b = arg;

	copy_some(vm_channel_fd(b->vm), STDOUT_FILENO);
}

static void on_stdin(void *arg, unused uint32_t events)
{
	struct boot *b = arg;
	char chunk[4096];
	ssize_t n = read(STDIN_FILENO, chunk, sizeof(chunk));
	ssize_t sent = 0;

	while (sent < n) {
		struct pollfd pfd = { .fd = vm_channel_fd(b->vm), .events = POLLOUT };
		ssize_t w = write(pfd.fd, chunk + sent, (size_t)(n - sent));

		if (w > 0)
			sent += w;
		else if (errno != EAGAIN || poll(&pfd, 1, -1) < 0)
			break;
	}
	if (n > 0)
		return;
	watch_free(b->stdin_watch);
	b->stdin_watch = NULL;
}

static int add_export(struct boot *b, struct export *e, struct err *err)
{
	char *path = strchr(e->arg, '=');
	int fd;

	if (!path)
		return err_set(err, EINVAL, "export \"%s\": not NAME=PATH", e->arg);
	*path++ = '\0';
	fd = open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
	if (fd < 0)
		return err_sys(err, errno, "export \"%s\"", path);
	return vm_share_add(b->vm, e->share, e->arg, fd, 0, err);
}

static int boot_run(struct boot *b, struct err *err)
{
	const struct vm_events events = { .on_exit = on_exit_vm, .on_mark = on_mark, .arg = b };
	struct watch *channel, *timer;
	int r;

	if (b->cfg.engine == VM_ENGINE_AUTO) {
		char why[256];

		r = vm_choose_engine(b->cfg.cache_dir, NULL, &b->cfg.engine, why, sizeof(why), err);
		if (r < 0)
			return r;
		fprintf(stderr, "vmboot: %s\n", why);
	}
	r = guestlog_new(dup(b->log_fd), SIZE_MAX, &b->cfg.log);
	if (r < 0)
		return err_sys(err, r, "guest log");
	if ((r = vm_new(&b->cfg, &b->vm, err)) < 0)
		return r;
	on_mark(b, "vm_new done");
	for (unsigned int i = 0; i < b->exports_len; i++) {
		if ((r = add_export(b, &b->exports[i], err)) < 0)
			return r;
	}
	if ((r = loop_new(&b->loop)) < 0 || (r = guestlog_watch(b->cfg.log, b->loop)) < 0 ||
		(r = watch_new(b->loop, vm_channel_fd(b->vm), EPOLLIN, on_channel, b, &channel)) < 0 ||
		(r = timer_new(b->loop, b->timeout_s * 1000u, on_timeout, b, &timer)) < 0)
		return err_sys(err, r, "event loop");
	r = watch_new(b->loop, STDIN_FILENO, EPOLLIN, on_stdin, b, &b->stdin_watch);
	if (r < 0 && r != -EPERM) /* a file or /dev/null cannot be watched, and has nothing to say */
		return err_sys(err, r, "stdin");
	on_mark(b, "exports added");
	if ((r = vm_start(b->vm, b->loop, &events, err)) < 0)
		return r;
	r = loop_run(b->loop);
	copy_some(vm_channel_fd(b->vm), STDOUT_FILENO);
	return r < 0 ? err_sys(err, r, "event loop") : 0;
}

static int parse_engine(const char *name, enum vm_engine *ret_engine)
{
	if (!strcmp(name, "kvm"))
		*ret_engine = VM_ENGINE_KVM;
	else if (!strcmp(name, "qemu"))
		*ret_engine = VM_ENGINE_QEMU;
	else if (!strcmp(name, "auto"))
		*ret_engine = VM_ENGINE_AUTO;
	else
		return -EINVAL;
	return 0;
}

/* One option: 0, or -EINVAL for an unknown letter or a malformed value. */
static int parse_option(struct boot *b, int letter, char *value)
{
	switch (letter) {
	case 'e':
		return parse_engine(value, &b->cfg.engine);
	case 'k':
		b->cfg.kernel_path = value;
		return 0;
	case 'i':
		b->cfg.initrd_path = value;
		return 0;
	case 'c':
		b->cfg.cmdline = value;
		return 0;
	case 'm':
		b->cfg.mem_bytes = strtoull(value, NULL, 10) * MIB;
		return 0;
	case 'n':
		b->cfg.vcpus = (unsigned int)strtoul(value, NULL, 10);
		return 0;
	case 'p':
	case 's':
		if (b->exports_len == EXPORTS_MAX)
			return -EINVAL;
		b->exports[b->exports_len++] =
			(struct export){ .share = letter == 'p' ? VM_SHARE_PRIVATE : VM_SHARE_SHARED, .arg = value };
		return 0;
	case 'd':
		b->cfg.cache_dir = value;
		return 0;
	case 'l':
		b->log_fd = open(value, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
		return b->log_fd < 0 ? -EINVAL : 0;
	case 't':
		b->timeline = true;
		return 0;
	case 'o':
		b->timeout_s = (unsigned int)strtoul(value, NULL, 10);
		return 0;
	default:
		return -EINVAL;
	}
}

static int parse_options(struct boot *b, int argc, char **argv)
{
	static const struct option options[] = {
		{ "engine", 1, NULL, 'e' },
		{ "kernel", 1, NULL, 'k' },
		{ "initrd", 1, NULL, 'i' },
		{ "cmdline", 1, NULL, 'c' },
		{ "mem", 1, NULL, 'm' },
		{ "cpus", 1, NULL, 'n' },
		{ "private", 1, NULL, 'p' },
		{ "shared", 1, NULL, 's' },
		{ "cache-dir", 1, NULL, 'd' },
		{ "log", 1, NULL, 'l' },
		{ "timeline", 0, NULL, 't' },
		{ "timeout", 1, NULL, 'o' },
		{ 0 },
	};
	int letter;

	while ((letter = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		if (parse_option(b, letter, optarg) < 0)
			return -EINVAL;
	}
	return optind == argc ? 0 : -EINVAL;
}

int main(int argc, char **argv)
{
	struct boot b = {
		.cfg = { .engine = VM_ENGINE_AUTO, .cmdline = DEFAULT_CMDLINE, .vcpus = 1, .mem_bytes = 256 * MIB },
		.log_fd = STDOUT_FILENO,
		.timeout_s = 120,
		.status = EXIT_FAILED,
	};
	char dir[] = "/tmp/vmboot.XXXXXX";
	struct err err = ERR_INIT;

	(void)clock_gettime(CLOCK_MONOTONIC, &b.start); /* cannot fail with this clock */
	if (parse_options(&b, argc, argv) < 0) {
		fprintf(stderr, "usage: see the head of vmboot.c\n");
		return 1;
	}
	if (!mkdtemp(dir)) {
		perror("vmboot: mkdtemp");
		return 1;
	}
	b.cfg.runtime_dir = dir;
	if (boot_run(&b, &err) < 0) {
		fprintf(stderr, "vmboot: %s\n", err.msg);
		b.status = 1;
	}
	vm_free(b.vm);
	guestlog_free(b.cfg.log);
	loop_free(b.loop);
	on_mark(&b, "vm_free done");
	if (rmdir(dir) < 0)
		fprintf(stderr, "vmboot: something was left in %s\n", dir);
	return b.status;
}
