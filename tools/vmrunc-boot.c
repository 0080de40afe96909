/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vmrunc-boot: boots a kernel with the kvm engine alone and shows its console. It is for people who work on the engine,
 * and is not installed.
 *
 *   vmrunc-boot [-s] [-c VCPUS] [-m MIB] [-k MS] [-p NAME=DIR] [-S NAME=DIR] KERNEL INITRD [CMDLINE...]
 *
 * -s      allows only the system calls that the engine lists (vm_calls() in vm.h); another one ends the program with 13
 *         and the number of the call, or by SIGSYS if a thread of the engine makes it
 * -k      frees the VM after that many milliseconds, in the middle of whatever it does
 * -p, -S  exports a directory in the private (-p) or the shared (-S) device
 *
 * What the guest writes to the agent's port goes to stderr, as do times in ms. The exit status is 0 after a poweroff, 10
 * after a reset, 11 if the engine failed, and 12 if -k has freed the VM.
 */
#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/loop.h"
#include "base/syscalls.h"
#include "vm/engine.h"
#include "vm/guestlog.h"

#define BOOT_SHARES_MAX 8

struct boot_share {
	enum vm_share share;
	char *name; /* points into argv; cut at the "=" */
	const char *dir;
};

struct boot {
	struct vm_config cfg;
	struct boot_share shares[BOOT_SHARES_MAX];
	unsigned int shares_len;
	unsigned long kill_ms;
	bool filtered;

	struct loop *loop;
	struct vm *vm;
	struct timespec start;
	int status;
};

static double boot_ms(const struct boot *b)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail */
	return (double)(now.tv_sec - b->start.tv_sec) * 1e3 + (double)(now.tv_nsec - b->start.tv_nsec) / 1e6;
}

static void boot_on_mark(void *arg, const char *mark)
{
	fprintf(stderr, "%8.1f %s\n", boot_ms(arg), mark);
}

static void boot_on_exit(void *arg, enum vm_exit how, const char *detail)
{
	static const char *const names[] = { "poweroff", "reset", "failed" };
	static const int statuses[] = { 0, 10, 11 };
	struct boot *b = arg;

	fprintf(stderr, "%8.1f %s: %s\n", boot_ms(b), names[how], detail);
	b->status = statuses[how];
	loop_stop(b->loop);
}

static void boot_on_time(void *arg)
{
	struct boot *b = arg;

	fprintf(stderr, "%8.1f freed\n", boot_ms(b));
	b->status = 12;
	loop_stop(b->loop);
}

static void boot_on_channel(void *arg, uint32_t events unused)
{
	struct boot *b = arg;
	char data[4096];
	ssize_t n = read(kvm_vm_ops.channel_fd(b->vm), data, sizeof(data));

	if (n > 0)
		fprintf(stderr, "%8.1f channel: %.*s\n", boot_ms(b), (int)n, data);
}

static int boot_add_shares(struct boot *b, struct err *err)
{
	for (unsigned int i = 0; i < b->shares_len; i++) {
		const struct boot_share *s = &b->shares[i];
		int fd = open(s->dir, O_PATH | O_DIRECTORY | O_CLOEXEC), r;

		if (fd < 0)
			return err_sys(err, errno, "open '%s'", s->dir);
		r = kvm_vm_ops.share_add(b->vm, s->share, s->name, fd, 0, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static void boot_on_sigsys(int sig unused, siginfo_t *info, void *context unused)
{
	fprintf(stderr, "vmrunc-boot: system call %d is not in the engine's list\n", info->si_syscall);
	_exit(13);
}

/* Allows what one list names, and what its rules allow. */
static int boot_allow(scmp_filter_ctx ctx, const struct vm_calls *calls)
{
	int r = 0;

	for (const char *const *name = calls->names; r == 0 && *name; name++) {
		r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, seccomp_syscall_resolve_name(*name), 0);
		r = r == -EEXIST ? 0 : r;
	}
	for (const unsigned long *ioc = calls->ioctls; r == 0 && ioc && *ioc; ioc++)
		r = seccomp_rule_add(
			ctx, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1, SCMP_A1_32(SCMP_CMP_EQ, (uint32_t)*ioc, 0));
	for (const struct syscall_rule *rule = calls->rules; r == 0 && rule && rule->name; rule++) {
		const struct syscall_test *t = rule->tests; /* the kvm engine's have one each */

		r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, seccomp_syscall_resolve_name(rule->name), 1,
			SCMP_CMP(t->arg, SCMP_CMP_MASKED_EQ, t->mask, t->value));
		r = r == -EEXIST ? 0 : r;
	}
	return r;
}

/* The filter of -s: the engine's lists, what no engine names (vm.h), and this program's own. */
static int boot_filter(const struct boot *b, struct err *err)
{
	static const char *const unnamed[] = { "clone", "clone3", "tgkill", "unshare", NULL };
	static const struct vm_calls own[] = { { .names = base_syscalls, .rules = base_syscall_rules },
		{ .names = guestlog_syscalls }, { .names = unnamed }, { .names = NULL } };
	const struct sigaction sa = { .sa_sigaction = boot_on_sigsys, .sa_flags = SA_SIGINFO };
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_TRAP);
	int r = ctx ? 0 : -ENOMEM;

	for (const struct vm_calls *calls = own; r == 0 && calls->names; calls++)
		r = boot_allow(ctx, calls);
	for (const struct vm_calls *calls = kvm_vm_ops.calls(b->vm); r == 0 && calls->names; calls++)
		r = boot_allow(ctx, calls);
	if (r == 0)
		r = sigaction(SIGSYS, &sa, NULL) < 0 ? -errno : seccomp_load(ctx);
	seccomp_release(ctx);
	return r < 0 ? err_sys(err, r, "system call filter") : 0;
}

/* Builds the VM and runs it until it ends, or until -k does. */
static int boot_run(struct boot *b, struct err *err)
{
	struct vm_events events = { .on_exit = boot_on_exit, .on_mark = boot_on_mark, .arg = b };
	struct watch *timer = NULL, *channel = NULL;
	int r;

	if ((r = kvm_vm_ops.new(&b->cfg, &b->vm, err)) == 0 && (r = boot_add_shares(b, err)) == 0 && b->filtered)
		r = boot_filter(b, err);
	if (r == 0)
		r = kvm_vm_ops.start(b->vm, b->loop, &events, err);
	if (r == 0 && watch_new(b->loop, kvm_vm_ops.channel_fd(b->vm), EPOLLIN, boot_on_channel, b, &channel) < 0)
		r = err_set(err, ENOMEM, "watch");
	if (r == 0 && b->kill_ms > 0 && timer_new(b->loop, b->kill_ms, boot_on_time, b, &timer) < 0)
		r = err_set(err, ENOMEM, "timer");
	if (r == 0 && (r = loop_run(b->loop)) < 0)
		err_sys(err, r, "event loop");
	watch_free(channel);
	watch_free(timer);
	if (b->vm)
		kvm_vm_ops.free(b->vm);
	fprintf(stderr, "%8.1f gone\n", boot_ms(b));
	return r;
}

static int boot_usage(void)
{
	fprintf(stderr, "usage: vmrunc-boot [-s] [-c VCPUS] [-m MIB] [-k MS] [-p NAME=DIR] "
			"[-S NAME=DIR] KERNEL INITRD [CMDLINE...]\n");
	return 2;
}

static bool boot_parse_share(struct boot *b, enum vm_share share, char *arg)
{
	char *sign = strchr(arg, '=');

	if (!sign || b->shares_len == BOOT_SHARES_MAX)
		return false;
	*sign = '\0';
	b->shares[b->shares_len++] = (struct boot_share){ share, arg, sign + 1 };
	return true;
}

/* Reads the options; false: the usage is to be shown. */
static bool boot_parse(struct boot *b, int argc, char **argv)
{
	int opt;

	while ((opt = getopt(argc, argv, "sc:m:k:p:S:")) != -1) {
		if (opt == 's')
			b->filtered = true;
		else if (opt == 'c')
			b->cfg.vcpus = (unsigned int)strtoul(optarg, NULL, 10);
		else if (opt == 'm')
			b->cfg.mem_bytes = strtoul(optarg, NULL, 10) * MIB;
		else if (opt == 'k')
			b->kill_ms = strtoul(optarg, NULL, 10);
		else if (opt == 'p' && boot_parse_share(b, VM_SHARE_PRIVATE, optarg))
			continue;
		else if (opt == 'S' && boot_parse_share(b, VM_SHARE_SHARED, optarg))
			continue;
		else
			return false;
	}
	return argc - optind >= 2 && b->cfg.vcpus >= 1 && b->cfg.vcpus <= VM_VCPUS_MAX &&
	       b->cfg.mem_bytes >= VM_MEM_MIN;
}

int main(int argc, char **argv)
{
	struct boot b = {
		.cfg = { .vcpus = 1, .mem_bytes = 512 * MIB },
		.status = 1,
	};
	struct err err = ERR_INIT;
	autobuf cmdline = BUF_INIT;

	(void)clock_gettime(CLOCK_MONOTONIC, &b.start); /* cannot fail */
	if (!boot_parse(&b, argc, argv))
		return boot_usage();
	b.cfg.kernel_path = argv[optind];
	b.cfg.initrd_path = argv[optind + 1];
	for (int i = optind + 2; i < argc; i++)
		buf_printf(&cmdline, "%s%s", i > optind + 2 ? " " : "", argv[i]);
	b.cfg.cmdline = cmdline.data ? cmdline.data : "";
	if (loop_new(&b.loop) < 0 || guestlog_new(dup(STDOUT_FILENO), SIZE_MAX, &b.cfg.log) < 0 ||
		guestlog_watch(b.cfg.log, b.loop) < 0)
		return 1;
	if (boot_run(&b, &err) < 0) {
		fprintf(stderr, "vmrunc-boot: %s\n", err.msg);
		b.status = 1;
	}
	guestlog_free(b.cfg.log);
	loop_free(b.loop);
	return b.status;
}
