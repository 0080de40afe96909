/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of src/spec/seccomp: a child loads the compiled filter, and makes system calls to see what it answers. */
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "spec/seccomp.h"
#include "spec/spec.h"

/* A number of a system call that no kernel has so far, and which is newer than those that any libseccomp knows. */
#define FUTURE_SYSCALL 900

/* Compiles the profile `"seccomp": {@text}`. */
static int compile(const char *text, struct seccomp_program *p, struct warnings *w, struct err *err)
{
	autobuf b = BUF_INIT;
	struct spec *s = NULL;
	int rc;

	buf_printf(&b, "{\"ociVersion\":\"1.2.0\",\"root\":{\"path\":\"r\"},\"linux\":{\"seccomp\":{%s}}}", text);
	rc = spec_parse("c.json", b.data, b.len, &s, NULL, err);
	if (rc < 0) {
		print_error("%s\n", err->msg);
		return rc;
	}
	rc = seccomp_compile(s->linux_->seccomp, NULL, p, w, err);
	spec_free(s);
	return rc;
}

/* What a child under @p gets from syscall(@nr, @a, @b): its errno (0: success), or 1000 + the signal that ended it. */
static int ask(const struct seccomp_program *p, long nr, unsigned long a, unsigned long b)
{
	struct sock_fprog prog = { .len = (unsigned short)p->n, .filter = p->insns };
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		signal(SIGSYS, SIG_DFL); /* cmocka has handlers, which would go on with the tests */
		signal(SIGILL, SIG_DFL);
		/* from here on only system calls that the tests' filters allow: no sanitizer must make others */
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 ||
			syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, p->flags, &prog) != 0)
			syscall(SYS_exit_group, 255);
		syscall(SYS_exit_group, syscall(nr, a, b, 0, 0, 0, 0) < 0 ? errno : 0);
		__builtin_trap(); /* the filter forbids exit_group() */
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? 1000 + WTERMSIG(status) : WEXITSTATUS(status);
}

#define ALLOW_EXIT "{\"names\":[\"exit_group\"],\"action\":\"SCMP_ACT_ALLOW\"}"
#define ARG(i, v, op) "{\"index\":" #i ",\"value\":" #v ",\"op\":\"SCMP_CMP_" op "\"}"
#define GETPRIO(args)                                                                                            \
	"\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"getpriority\"],\"action\":\"SCMP_ACT_" \
	"ERRNO\",\"errnoRet\":99,\"args\":[" args "]}]"

/* getpriority(0, b) works for b = 0 (the caller); other b as given below are refused before the kernel looks. */
static const struct {
	const char *text;
	long nr;
	unsigned long a, b;
	int want;
} asked[] = {
	/* actions */
	{ "\"defaultAction\":\"SCMP_ACT_ALLOW\"", SYS_getppid, 0, 0, 0 },
	{ "\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"getppid\"],\"action\":\"SCMP_ACT_ERRNO\"}]",
		SYS_getppid, 0, 0, EPERM },
	{ "\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"getppid\"],\"action\":\"SCMP_ACT_ERRNO\","
	  "\"errnoRet\":77}]",
		SYS_getppid, 0, 0, 77 },
	{ "\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"getppid\"],\"action\":\"SCMP_ACT_ERRNO\","
	  "\"errnoRet\":0}]",
		SYS_getppid, 0, 0, 0 },
	{ "\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"getppid\"],\"action\":\"SCMP_ACT_KILL\"}]",
		SYS_getppid, 0, 0, 1000 + SIGSYS },
	{ "\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"getppid\"],\"action\":\"SCMP_ACT_KILL_"
	  "THREAD\"}]",
		SYS_getppid, 0, 0, 1000 + SIGSYS },
	{ "\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"getppid\"],\"action\":\"SCMP_ACT_KILL_"
	  "PROCESS\"}]",
		SYS_getppid, 0, 0, 1000 + SIGSYS },
	{ "\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"getppid\"],\"action\":\"SCMP_ACT_TRAP\"}]",
		SYS_getppid, 0, 0, 1000 + SIGSYS },
	{ "\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"getppid\"],\"action\":\"SCMP_ACT_LOG\"}]",
		SYS_getppid, 0, 0, 0 },
	/* without a tracer the kernel says ENOSYS */
	{ "\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"getppid\"],\"action\":\"SCMP_ACT_TRACE\"}]",
		SYS_getppid, 0, 0, ENOSYS },
	/* defaults */
	{ "\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":[" ALLOW_EXIT "]", SYS_getppid, 0, 0, EPERM },
	{ "\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":38,\"syscalls\":[" ALLOW_EXIT "]", SYS_getppid, 0,
		0, ENOSYS },
	{ "\"defaultAction\":\"SCMP_ACT_KILL_PROCESS\",\"syscalls\":[" ALLOW_EXIT "]", SYS_getppid, 0, 0,
		1000 + SIGSYS },
	{ "\"defaultAction\":\"SCMP_ACT_LOG\"", SYS_getppid, 0, 0, 0 },
	/* a rule with the same action as the default */
	{ "\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":[" ALLOW_EXIT
	  ",{\"names\":[\"getppid\"],\"action\":\"SCMP_ACT_ERRNO\"}]",
		SYS_getppid, 0, 0, EPERM },
	{ "\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":[" ALLOW_EXIT
	  ",{\"names\":[\"getppid\"],\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":5}]",
		SYS_getppid, 0, 0, EIO },
	/* unknown names do not spoil their rule */
	{ "\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"no_such_call\",\"getppid\"],\"action\":"
	  "\"SCMP_ACT_ERRNO\"}]",
		SYS_getppid, 0, 0, EPERM },
	/* the same rule twice */
	{ "\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"getppid\",\"getppid\"],\"action\":\"SCMP_"
	  "ACT_ERRNO\"}]",
		SYS_getppid, 0, 0, EPERM },

	/* system calls from the future */
	{ "\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":[" ALLOW_EXIT "]", FUTURE_SYSCALL, 0, 0, ENOSYS },
	{ "\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":13,\"syscalls\":[" ALLOW_EXIT "]", FUTURE_SYSCALL,
		0, 0, ENOSYS },
	{ "\"defaultAction\":\"SCMP_ACT_KILL_PROCESS\",\"syscalls\":[" ALLOW_EXIT "]", FUTURE_SYSCALL, 0, 0,
		1000 + SIGSYS },
	/* and those that are newer than the profile's newest, as fchmodat2 than Docker 20.10's */
	{ "\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":[" ALLOW_EXIT ",{\"names\":[\"faccessat2\"],"
	  "\"action\":\"SCMP_ACT_ALLOW\"}]",
		SYS_openat2, 0, 0, EPERM },
	{ "\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":[" ALLOW_EXIT ",{\"names\":[\"openat2\"],"
	  "\"action\":\"SCMP_ACT_ALLOW\"}]",
		SYS_faccessat2, 0, 0, ENOSYS },
	{ "\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":[" ALLOW_EXIT ",{\"names\":[\"faccessat2\"],"
	  "\"action\":\"SCMP_ACT_ERRNO\"}]",
		SYS_openat2, 0, 0, EPERM },
	{ "\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":[" ALLOW_EXIT ",{\"names\":[\"no_such_call\"],"
	  "\"action\":\"SCMP_ACT_ALLOW\"}]",
		SYS_openat2, 0, 0, ENOSYS },
#ifdef __x86_64__
	{ "\"defaultAction\":\"SCMP_ACT_KILL_PROCESS\",\"architectures\":[\"SCMP_ARCH_X86_64\"],\"syscalls\":"
	  "[" ALLOW_EXIT "]",
		SYS_openat2, 0, 0, ENOSYS },
	{ "\"defaultAction\":\"SCMP_ACT_TRAP\",\"architectures\":[\"SCMP_ARCH_X86_64\"],\"syscalls\":[" ALLOW_EXIT "]",
		SYS_getppid, 0, 0, 1000 + SIGSYS },
#endif
	{ "\"defaultAction\":\"SCMP_ACT_ERRNO\",\"architectures\":[\"SCMP_ARCH_X86_64\",\"SCMP_ARCH_X86\",\"SCMP_ARCH_"
	  "X32\"],\"syscalls\":[" ALLOW_EXIT "]",
		FUTURE_SYSCALL, 0, 0, ENOSYS },
#ifdef __x86_64__
	/* getppid of x32: if x32 is listed, the default action answers; if not, it counts as another machine's */
	{ "\"defaultAction\":\"SCMP_ACT_ERRNO\",\"architectures\":[\"SCMP_ARCH_X86_64\",\"SCMP_ARCH_X32\"],"
	  "\"syscalls\":[" ALLOW_EXIT "]",
		0x40000000 | SYS_getppid, 0, 0, EPERM },
	{ "\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":[" ALLOW_EXIT "]", 0x40000000 | SYS_getppid, 0, 0,
		1000 + SIGSYS },
#endif

	/* comparisons */
	{ GETPRIO(ARG(1, 5, "EQ")), SYS_getpriority, 0, 0, 0 },
	{ GETPRIO(ARG(1, 0, "EQ")), SYS_getpriority, 0, 0, 99 },
	{ GETPRIO(ARG(1, 0, "NE")), SYS_getpriority, 0, 0, 0 },
	{ GETPRIO(ARG(1, 5, "NE")), SYS_getpriority, 0, 0, 99 },
	{ GETPRIO(ARG(1, 5, "LT")), SYS_getpriority, 0, 4, 99 },
	{ GETPRIO(ARG(1, 0, "LT")), SYS_getpriority, 0, 0, 0 },
	{ GETPRIO(ARG(1, 4, "LE")), SYS_getpriority, 0, 4, 99 },
	{ GETPRIO(ARG(1, 4, "GE")), SYS_getpriority, 0, 4, 99 },
	{ GETPRIO(ARG(1, 1, "GE")), SYS_getpriority, 0, 0, 0 },
	{ GETPRIO(ARG(1, 4, "GT")), SYS_getpriority, 0, 5, 99 },
	{ GETPRIO(ARG(1, 0, "GT")), SYS_getpriority, 0, 0, 0 },
	{ GETPRIO("{\"index\":1,\"value\":240,\"valueTwo\":32,\"op\":\"SCMP_CMP_MASKED_EQ\"}"), SYS_getpriority, 0,
		0x2f, 99 },
	{ GETPRIO("{\"index\":1,\"value\":240,\"valueTwo\":32,\"op\":\"SCMP_CMP_MASKED_EQ\"}"), SYS_getpriority, 0, 0,
		0 },
	/* all 64 bits are compared */
	{ GETPRIO("{\"index\":1,\"value\":4294967296,\"op\":\"SCMP_CMP_EQ\"}"), SYS_getpriority, 0, 0x100000000, 99 },
	{ GETPRIO("{\"index\":1,\"value\":4294967296,\"op\":\"SCMP_CMP_EQ\"}"), SYS_getpriority, 0, 0, 0 },
	/* conditions on several arguments: all of them must hold */
	{ GETPRIO(ARG(0, 0, "EQ") "," ARG(1, 7, "EQ")), SYS_getpriority, 0, 7, 99 },
	{ GETPRIO(ARG(0, 1, "EQ") "," ARG(1, 0, "EQ")), SYS_getpriority, 0, 0, 0 },
	/* two conditions on one argument: either is enough */
	{ GETPRIO(ARG(1, 7, "EQ") "," ARG(1, 8, "EQ")), SYS_getpriority, 0, 8, 99 },
	{ GETPRIO(ARG(1, 7, "EQ") "," ARG(1, 8, "EQ")), SYS_getpriority, 0, 7, 99 },
	{ GETPRIO(ARG(1, 7, "EQ") "," ARG(1, 8, "EQ")), SYS_getpriority, 0, 0, 0 },
};

static void filters_do_what_the_config_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(asked); i++) {
		struct seccomp_program p = { .n = 0 };
		struct err err = ERR_INIT;
		int got;

		if (compile(asked[i].text, &p, NULL, &err) != 0)
			fail_msg("%s: %s", asked[i].text, err.msg);
		got = ask(&p, asked[i].nr, asked[i].a, asked[i].b);
		if (got != asked[i].want)
			fail_msg("%s: syscall %lx(%lu, %lu): wanted %d, got %d", asked[i].text, asked[i].nr, asked[i].a,
				asked[i].b, asked[i].want, got);
		seccomp_program_done(&p);
	}
}

static void flags_go_along(void **state)
{
	static const struct {
		const char *text;
		uint32_t want;
	} flags[] = {
		{ "\"defaultAction\":\"SCMP_ACT_ALLOW\"", SECCOMP_FILTER_FLAG_SPEC_ALLOW },
		{ "\"defaultAction\":\"SCMP_ACT_ALLOW\",\"flags\":null", SECCOMP_FILTER_FLAG_SPEC_ALLOW },
		{ "\"defaultAction\":\"SCMP_ACT_ALLOW\",\"flags\":[]", 0 },
		{ "\"defaultAction\":\"SCMP_ACT_ALLOW\",\"flags\":[\"SECCOMP_FILTER_FLAG_LOG\",\"SECCOMP_FILTER_FLAG_"
		  "TSYNC\"]",
			SECCOMP_FILTER_FLAG_LOG | SECCOMP_FILTER_FLAG_TSYNC },
		{ "\"defaultAction\":\"SCMP_ACT_ALLOW\",\"flags\":[\"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV\"]", 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
		struct seccomp_program p = { .n = 0 };
		struct err err = ERR_INIT;

		assert_int_equal(compile(flags[i].text, &p, NULL, &err), 0);
		assert_int_equal(p.flags, flags[i].want);
		assert_int_equal(ask(&p, SYS_getppid, 0, 0), 0); /* the kernel accepts the flags */
		seccomp_program_done(&p);
	}
}

static void unknown_names_that_matter_are_warnings(void **state)
{
	struct seccomp_program p = { .n = 0 };
	struct warnings w = WARNINGS_INIT;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(compile("\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":[{\"names\":[\"newer\",\"read\"],"
				 "\"action\":\"SCMP_ACT_ALLOW\"}]",
				 &p, &w, &err),
		0);
	assert_int_equal(w.n, 0); /* no warning: the default action still refuses the unknown call */
	seccomp_program_done(&p);
	assert_int_equal(compile("\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"newer\",\"read\","
				 "\"newest\"],\"action\":\"SCMP_ACT_ERRNO\"}]",
				 &p, &w, &err),
		0);
	assert_int_equal(w.n, 1);
	assert_string_equal(w.v[0], "linux.seccomp.syscalls: libseccomp does not know newer, newest: not filtered");
	seccomp_program_done(&p);
	warnings_done(&w);
}

static void other_machines_are_left_out(void **state)
{
	struct seccomp_program p = { .n = 0 }, q = { .n = 0 };
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(
		compile("\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":[" ALLOW_EXIT "]", &p, NULL, &err), 0);
	assert_int_equal(compile("\"defaultAction\":\"SCMP_ACT_ERRNO\",\"architectures\":[\"SCMP_ARCH_S390X\",\"SCMP_"
				 "ARCH_MIPS\","
				 "\"SCMP_ARCH_PARISC\",\"SCMP_ARCH_LOONGARCH64\"],\"syscalls\":[" ALLOW_EXIT "]",
				 &q, NULL, &err),
		0);
	assert_int_equal(p.n, q.n);
	assert_memory_equal(p.insns, q.insns, p.n * sizeof(*p.insns));
	seccomp_program_done(&p);
	seccomp_program_done(&q);
}

static void notify_is_refused(void **state)
{
	const struct spec_seccomp by_default = { .default_action = SPEC_ACT_NOTIFY };
	char *names[] = { (char *)"read", NULL };
	struct spec_seccomp_rule rule = { .names = { 1, names }, .action = SPEC_ACT_NOTIFY };
	const struct spec_seccomp by_rule = { .syscalls = { 1, &rule } };
	struct seccomp_program p = { .n = 0 };
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(seccomp_compile(&by_default, NULL, &p, NULL, &err), -ENOTSUP);
	assert_string_equal(err.msg, "linux.seccomp.defaultAction: SCMP_ACT_NOTIFY is not supported");
	assert_int_equal(seccomp_compile(&by_rule, NULL, &p, NULL, &err), -ENOTSUP);
	assert_string_equal(err.msg, "linux.seccomp.syscalls[0].action: SCMP_ACT_NOTIFY is not supported");
	assert_null(p.insns);
}

/* The profiles that engines write compile, load, and allow and forbid what they should. */
static void real_profiles_work(void **state)
{
	static const char *const files[] = { "docker-run-nethost", "podman-run", "cri-container" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		struct seccomp_program p = { .n = 0 };
		struct err err = ERR_INIT;
		struct spec *s = NULL;
		char path[256];

		snprintf(path, sizeof(path), SRCDIR "/tests/samples/%s.config.json", files[i]);
		assert_int_equal(spec_load(AT_FDCWD, path, &s, NULL, &err), 0);
		assert_non_null(s->linux_->seccomp);
		if (seccomp_compile(s->linux_->seccomp, NULL, &p, NULL, &err) != 0)
			fail_msg("%s: %s", path, err.msg);
		assert_true(p.n > 50);
		assert_int_equal(ask(&p, SYS_getppid, 0, 0), 0);
		assert_in_range(ask(&p, SYS_kexec_load, 0, 0), 1, 255);
		assert_int_equal(ask(&p, SYS_personality, 0xffffffff, 0), 0);
		assert_in_range(ask(&p, SYS_personality, PER_SVR4, 0), 1, 255);
		assert_int_equal(ask(&p, FUTURE_SYSCALL, 0, 0), ENOSYS);
		assert_int_equal(ask(&p, 452, 0, 0), ENOSYS); /* fchmodat2, newer than these profiles */
		seccomp_program_done(&p);
		spec_free(s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(filters_do_what_the_config_says),
		cmocka_unit_test(flags_go_along),
		cmocka_unit_test(unknown_names_that_matter_are_warnings),
		cmocka_unit_test(other_machines_are_left_out),
		cmocka_unit_test(notify_is_refused),
		cmocka_unit_test(real_profiles_work),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
