/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of src/spec: mount options, signals, lists of CPUs, capabilities. */
#include <errno.h>
#include <linux/mount.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/statvfs.h>

#include <cmocka.h>

#include "base/cpulist.h"
#include "spec/mountopt.h"
#include "spec/names.h"
#include "spec/signal.h"

/* --- mount options --- */

static const struct {
	const char *words; /* separated by blanks */
	struct mountopts want;
} options[] = {
	{ "", { 0 } }, { "defaults", { 0 } }, { "acl", { .flags = MS_POSIXACL } },
	{ "noacl", { .flags_clear = MS_POSIXACL } }, { "async", { .flags_clear = MS_SYNCHRONOUS } },
	{ "sync", { .flags = MS_SYNCHRONOUS } }, { "atime", { .flags_clear = MS_NOATIME } },
	{ "noatime", { .flags = MS_NOATIME } }, { "bind", { .flags = MS_BIND } },
	{ "rbind", { .flags = MS_BIND | MS_REC } }, { "dev", { .flags_clear = MS_NODEV } },
	{ "nodev", { .flags = MS_NODEV } }, { "diratime", { .flags_clear = MS_NODIRATIME } },
	{ "nodiratime", { .flags = MS_NODIRATIME } }, { "dirsync", { .flags = MS_DIRSYNC } },
	{ "exec", { .flags_clear = MS_NOEXEC } }, { "noexec", { .flags = MS_NOEXEC } },
	{ "iversion", { .flags = MS_I_VERSION } }, { "noiversion", { .flags_clear = MS_I_VERSION } },
	{ "lazytime", { .flags = MS_LAZYTIME } }, { "nolazytime", { .flags_clear = MS_LAZYTIME } },
	{ "loud", { .flags_clear = MS_SILENT } }, { "silent", { .flags = MS_SILENT } },
	{ "mand", { .flags = MS_MANDLOCK } }, { "nomand", { .flags_clear = MS_MANDLOCK } },
	{ "relatime", { .flags = MS_RELATIME } }, { "norelatime", { .flags_clear = MS_RELATIME } },
	{ "strictatime", { .flags = MS_STRICTATIME } }, { "nostrictatime", { .flags_clear = MS_STRICTATIME } },
	{ "suid", { .flags_clear = MS_NOSUID } }, { "nosuid", { .flags = MS_NOSUID } },
	{ "symfollow", { .flags_clear = 256 } }, { "nosymfollow", { .flags = 256 } },
	{ "remount", { .flags = MS_REMOUNT } }, { "ro", { .flags = MS_RDONLY } },
	{ "rw", { .flags_clear = MS_RDONLY } }, { "ro rw", { .flags_clear = MS_RDONLY } },
	{ "rw ro", { .flags = MS_RDONLY } },

	{ "private", { .n_propagation = 1, .propagation = { MS_PRIVATE } } },
	{ "rprivate", { .n_propagation = 1, .propagation = { MS_PRIVATE | MS_REC } } },
	{ "shared", { .n_propagation = 1, .propagation = { MS_SHARED } } },
	{ "rshared", { .n_propagation = 1, .propagation = { MS_SHARED | MS_REC } } },
	{ "slave", { .n_propagation = 1, .propagation = { MS_SLAVE } } },
	{ "rslave", { .n_propagation = 1, .propagation = { MS_SLAVE | MS_REC } } },
	{ "unbindable", { .n_propagation = 1, .propagation = { MS_UNBINDABLE } } },
	{ "runbindable", { .n_propagation = 1, .propagation = { MS_UNBINDABLE | MS_REC } } },
	{ "rbind rslave shared ro", { .flags = MS_BIND | MS_REC | MS_RDONLY,
					    .n_propagation = 2,
					    .propagation = { MS_SLAVE | MS_REC, MS_SHARED } } },

	{ "rro", { .rec_set = MOUNT_ATTR_RDONLY } }, { "rrw", { .rec_clear = MOUNT_ATTR_RDONLY } },
	{ "rro rrw", { .rec_clear = MOUNT_ATTR_RDONLY } }, { "rrw rro", { .rec_set = MOUNT_ATTR_RDONLY } },
	{ "rnosuid", { .rec_set = MOUNT_ATTR_NOSUID } }, { "rsuid", { .rec_clear = MOUNT_ATTR_NOSUID } },
	{ "rnodev", { .rec_set = MOUNT_ATTR_NODEV } }, { "rdev", { .rec_clear = MOUNT_ATTR_NODEV } },
	{ "rnoexec", { .rec_set = MOUNT_ATTR_NOEXEC } }, { "rexec", { .rec_clear = MOUNT_ATTR_NOEXEC } },
	{ "rnodiratime", { .rec_set = MOUNT_ATTR_NODIRATIME } },
	{ "rdiratime", { .rec_clear = MOUNT_ATTR_NODIRATIME } },
	{ "rnosymfollow", { .rec_set = MOUNT_ATTR_NOSYMFOLLOW } },
	{ "rsymfollow", { .rec_clear = MOUNT_ATTR_NOSYMFOLLOW } },
	/* the kernel takes the atime modes only with the whole field cleared */
	{ "rnoatime", { .rec_set = MOUNT_ATTR_NOATIME, .rec_clear = MOUNT_ATTR__ATIME } },
	{ "ratime", { .rec_clear = MOUNT_ATTR__ATIME } }, { "rrelatime", { .rec_clear = MOUNT_ATTR__ATIME } },
	{ "rnorelatime", { .rec_clear = MOUNT_ATTR__ATIME } },
	{ "rstrictatime", { .rec_set = MOUNT_ATTR_STRICTATIME, .rec_clear = MOUNT_ATTR__ATIME } },
	{ "rnostrictatime", { .rec_clear = MOUNT_ATTR__ATIME } },
	{ "rnoatime rstrictatime", { .rec_set = MOUNT_ATTR_STRICTATIME, .rec_clear = MOUNT_ATTR__ATIME } },
	{ "rnoatime rrelatime rro", { .rec_set = MOUNT_ATTR_RDONLY, .rec_clear = MOUNT_ATTR__ATIME } },

	{ "tmpcopyup", { .tmpcopyup = true } }, { "idmap", { .idmap = MOUNTOPT_IDMAP } },
	{ "ridmap", { .idmap = MOUNTOPT_RIDMAP } }, { "mode=755", { .data = (char *)"mode=755" } },
	{ "nosuid strictatime mode=755 size=65536k",
		{ .flags = MS_NOSUID | MS_STRICTATIME, .data = (char *)"mode=755,size=65536k" } },
	{ "newinstance ptmxmode=0666 gid=5 noexec",
		{ .flags = MS_NOEXEC, .data = (char *)"newinstance,ptmxmode=0666,gid=5" } },
	{ "RO", { .data = (char *)"RO" } }, /* words are compared letter for letter */
};

static size_t split(char *text, char **words)
{
	size_t n = 0;

	for (char *w = strtok(text, " "); w; w = strtok(NULL, " "))
		words[n++] = w;
	return n;
}

static void mount_options_mean_what_they_should(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(options); i++) {
		const struct mountopts *want = &options[i].want;
		char text[256], *words[32];
		struct mountopts o;
		struct err err = ERR_INIT;

		strcpy(text, options[i].words);
		assert_int_equal(mountopts_parse(words, split(text, words), &o, &err), 0);
		if (o.flags != want->flags || o.flags_clear != want->flags_clear || o.rec_set != want->rec_set ||
			o.rec_clear != want->rec_clear || o.tmpcopyup != want->tmpcopyup || o.idmap != want->idmap ||
			o.n_propagation != want->n_propagation ||
			memcmp(o.propagation, want->propagation, sizeof(o.propagation)) != 0)
			fail_msg("\"%s\": flags %x -%x, recursive %llx -%llx, %zu propagations", options[i].words,
				o.flags, o.flags_clear, (unsigned long long)o.rec_set, (unsigned long long)o.rec_clear,
				o.n_propagation);
		if (want->data)
			assert_string_equal(o.data, want->data);
		else
			assert_null(o.data);
		mountopts_done(&o);
	}
}

/* --- the flags of a bind mount --- */

#define RO MS_RDONLY
#define RELATIME MS_RELATIME
#define NOATIME MS_NOATIME
#define STRICT MS_STRICTATIME

/* The words of a mount of the host, those of the config, and what runc makes of them with mount(2), and behind a user namespace. */
static const struct {
	unsigned long source; /* as statvfs(3) has them */
	const char *words;
	uint32_t want, locked; /* REFUSED: an error */
} bound[] = {
#define REFUSED UINT32_MAX
	{ ST_RELATIME, "bind", RELATIME, RELATIME },
	{ 0, "bind", STRICT, STRICT },
	/* without words the source's flags are kept */
	{ ST_RDONLY | ST_NOEXEC | ST_NODIRATIME | ST_RELATIME | 0x2000, "rbind rprivate",
		RO | MS_NOEXEC | MS_NODIRATIME | RELATIME | 256, RO | MS_NOEXEC | MS_NODIRATIME | RELATIME | 256 },
	{ ST_NOSUID | ST_NODEV | ST_NOATIME, "bind defaults", MS_NOSUID | MS_NODEV | NOATIME,
		MS_NOSUID | MS_NODEV | NOATIME },
	/* one word, and the others are off, where they are not locked; access times stay */
	{ ST_RDONLY | ST_NOEXEC | ST_NODIRATIME | ST_RELATIME | 0x2000, "bind dev", MS_NODIRATIME | RELATIME,
		RO | MS_NOEXEC | MS_NODIRATIME | RELATIME },
	{ ST_RDONLY | ST_RELATIME, "bind nosuid nodev", MS_NOSUID | MS_NODEV | RELATIME,
		RO | MS_NOSUID | MS_NODEV | RELATIME },
	{ ST_NOSUID | ST_NODEV | ST_NOEXEC | ST_NOATIME, "bind ro", RO | NOATIME,
		RO | MS_NOSUID | MS_NODEV | MS_NOEXEC | NOATIME },
	/* what is taken away in so many words */
	{ ST_RDONLY | ST_RELATIME, "bind rw nosuid", MS_NOSUID | RELATIME, REFUSED },
	{ ST_NOSUID | ST_NODEV | ST_NOEXEC | ST_NOATIME, "bind dev suid exec atime", NOATIME, REFUSED },
	{ ST_NODEV | ST_RELATIME | 0x2000, "bind ro symfollow", RO | RELATIME, RO | MS_NODEV | RELATIME },
	{ ST_NODEV | ST_RELATIME, "bind rw", RELATIME, MS_NODEV | RELATIME },
	{ ST_NOSUID | ST_NOATIME, "bind ro exec", RO | NOATIME, RO | MS_NOSUID | NOATIME },
	/* access times: one mode, which only a word for another changes */
	{ ST_NOATIME, "bind norelatime", NOATIME, NOATIME },
	{ ST_NOATIME, "bind atime", NOATIME, NOATIME },
	{ ST_NOATIME, "bind relatime", RELATIME, REFUSED },
	{ ST_NOATIME, "bind nodiratime", MS_NODIRATIME | RELATIME, REFUSED },
	{ ST_NODIRATIME | ST_RELATIME, "bind strictatime", STRICT, REFUSED },
	{ ST_NOATIME, "bind nodiratime strictatime", MS_NODIRATIME | STRICT, REFUSED },
	{ ST_NOATIME, "bind nodiratime norelatime", MS_NODIRATIME | RELATIME, REFUSED },
	{ 0, "bind noatime", NOATIME, REFUSED },
	{ 0, "bind nostrictatime", STRICT, STRICT },
	{ ST_RELATIME, "bind relatime", RELATIME, RELATIME },
};

static void binds_have_the_flags_that_runc_gives_them(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bound) * 2; i++) {
		bool locked = i % 2;
		uint32_t want = locked ? bound[i / 2].locked : bound[i / 2].want, got = 0;
		char text[256], *words[32];
		struct mountopts o;
		struct err err = ERR_INIT;
		int r;

		strcpy(text, bound[i / 2].words);
		assert_int_equal(mountopts_parse(words, split(text, words), &o, &err), 0);
		r = mountopts_bind(&o, mountopts_of_statfs(bound[i / 2].source), locked, &got, &err);
		if (want == REFUSED ? r != -EPERM : r != 0 || got != want)
			fail_msg("\"%s\" over %lx%s: %d, %x instead of %x", bound[i / 2].words, bound[i / 2].source,
				locked ? ", locked" : "", r, got, want);
		mountopts_done(&o);
	}
}

static void every_word_of_the_table_is_tested(void **state)
{
	const char *name;

	(void)state;
	for (size_t i = 0; (name = mountopt_name(i)); i++) {
		bool found = false;

		for (size_t k = 0; k < ARRAY_LEN(options); k++)
			found |= strcmp(options[k].words, name) == 0;
		if (!found)
			fail_msg("no test for \"%s\"", name);
		if (i)
			assert_true(strcmp(mountopt_name(i - 1), name) < 0); /* bsearch() needs the order */
	}
}

static void mount_options_are_bounded(void **state)
{
	char *words[MOUNTOPT_PROPAGATIONS_MAX + 1];
	char big[MOUNTOPT_DATA_MAX + 2];
	char *one = big;
	struct mountopts o = { .flags = 42 };
	struct err err = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		words[i] = (char *)"shared";
	assert_int_equal(mountopts_parse(words, ARRAY_LEN(words), &o, &err), -EINVAL);
	assert_string_equal(err.msg, "more than 16 propagation options");
	memset(big, 'x', sizeof(big));
	big[MOUNTOPT_DATA_MAX + 1] = 0;
	assert_int_equal(mountopts_parse(&one, 1, &o, &err), -E2BIG);
	assert_int_equal(o.flags, 42); /* untouched */
	big[MOUNTOPT_DATA_MAX] = 0;
	assert_int_equal(mountopts_parse(&one, 1, &o, &err), 0);
	assert_int_equal(strlen(o.data), MOUNTOPT_DATA_MAX);
	mountopts_done(&o);
	assert_int_equal(mountopts_parse(NULL, 0, &o, &err), 0);
}

/* --- signals --- */

static const struct {
	const char *text;
	int want;
} signals[] = {
	{ "TERM", SIGTERM },
	{ "SIGTERM", SIGTERM },
	{ "sigterm", SIGTERM },
	{ "Term", SIGTERM },
	{ "15", 15 },
	{ "KILL", 9 },
	{ "9", 9 },
	{ "HUP", 1 },
	{ "INT", 2 },
	{ "USR1", 10 },
	{ "USR2", 12 },
	{ "WINCH", 28 },
	{ "STKFLT", 16 },
	{ "IOT", SIGABRT },
	{ "CLD", SIGCHLD },
	{ "POLL", SIGIO },
	{ "SYS", 31 },
	{ "0", 0 },
	{ "64", 64 },
	{ "34", 34 },
	{ "007", 7 },
	{ "RTMIN", 34 },
	{ "SIGRTMIN", 34 },
	{ "RTMIN+0", 34 },
	{ "RTMIN+3", 37 },
	{ "rtmin+30", 64 },
	{ "RTMAX", 64 },
	{ "RTMAX-1", 63 },
	{ "SIGRTMAX-30", 34 },
	{ "65", -EINVAL },
	{ "-1", -EINVAL },
	{ "", -EINVAL },
	{ "SIG", -EINVAL },
	{ "TERMX", -EINVAL },
	{ "15x", -EINVAL },
	{ " 15", -EINVAL },
	{ "99999999999999999999", -EINVAL },
	{ "RTMIN+31", -EINVAL },
	{ "RTMIN-1", -EINVAL },
	{ "RTMAX+1", -EINVAL },
	{ "RTMIN+", -EINVAL },
	{ "RTMAX-31", -EINVAL },
	{ "RTMIN+-1", -EINVAL },
	{ "SIGSIGTERM", -EINVAL },
	{ "SIG15", -EINVAL },
	{ "0x9", -EINVAL },
};

static void signals_have_names_and_numbers(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		if (signal_parse(signals[i].text) != signals[i].want)
			fail_msg("\"%s\": wanted %d, got %d", signals[i].text, signals[i].want,
				signal_parse(signals[i].text));
	for (int nr = 1; nr < 32; nr++) {
		assert_non_null(signal_name(nr));
		assert_int_equal(signal_parse(signal_name(nr)), nr);
	}
	assert_null(signal_name(0));
	assert_null(signal_name(40));
}

/* --- lists --- */

static const struct {
	const char *text;
	int rc;
	size_t count;
} lists[] = {
	{ "", 0, 0 },
	{ "0", 0, 1 },
	{ "0-3", 0, 4 },
	{ "0-3,7", 0, 5 },
	{ "0-3, 7", 0, 5 },
	{ " 1 - 2 ", 0, 2 },
	{ "1,1,1", 0, 1 },
	{ "0-8191", 0, 8192 },
	{ "5-5", 0, 1 },
	{ "0\n", 0, 1 },
	{ "8192", -ERANGE, 0 },
	{ "0-99999999999999999999999", -ERANGE, 0 },
	{ "3-1", -EINVAL, 0 },
	{ ",", -EINVAL, 0 },
	{ "1,", -EINVAL, 0 },
	{ ",1", -EINVAL, 0 },
	{ "-1", -EINVAL, 0 },
	{ "1-", -EINVAL, 0 },
	{ "1 2", -EINVAL, 0 },
	{ "a", -EINVAL, 0 },
	{ "0x1", -EINVAL, 0 },
	{ "1-2-3", -EINVAL, 0 },
	{ "+1", -EINVAL, 0 },
};

static void lists_of_cpus(void **state)
{
	struct cpulist l;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		int rc = cpulist_parse(lists[i].text, &l);

		if (rc != lists[i].rc || (!rc && cpulist_count(&l) != lists[i].count))
			fail_msg("\"%s\": %d", lists[i].text, rc);
	}
	assert_int_equal(cpulist_parse("2-3,64", &l), 0);
	assert_false(cpulist_has(&l, 1));
	assert_true(cpulist_has(&l, 3));
	assert_true(cpulist_has(&l, 64));
	assert_false(cpulist_has(&l, CPULIST_BITS));
}

/* --- capabilities and names --- */

static void capabilities_by_name(void **state)
{
	(void)state;
	assert_int_equal(spec_cap_number("CAP_CHOWN"), 0);
	assert_int_equal(spec_cap_number("CAP_SYS_ADMIN"), 21);
	assert_int_equal(spec_cap_number("CAP_CHECKPOINT_RESTORE"), 40);
	assert_int_equal(spec_cap_number("CAP_TEST"), -1);
	assert_int_equal(spec_cap_number("SYS_ADMIN"), -1);
	assert_int_equal(spec_cap_number("cap_sys_admin"), -1);
	assert_int_equal(spec_cap_number("CAP_21"), -1);
	assert_int_equal(spec_cap_number(""), -1);
	assert_int_equal(spec_cap_number("CAP_"), -1);
}

static void names_go_both_ways(void **state)
{
	uint32_t v = 7;

	(void)state;
	assert_true(spec_name_find(spec_seccomp_action_names, "SCMP_ACT_KILL", &v));
	assert_string_equal(spec_name_of(spec_ns_names, 0), "mount");
	assert_false(spec_name_find(spec_ns_names, "net", &v));
	assert_null(spec_name_of(spec_ns_names, 99));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mount_options_mean_what_they_should),
		cmocka_unit_test(every_word_of_the_table_is_tested),
		cmocka_unit_test(binds_have_the_flags_that_runc_gives_them),
		cmocka_unit_test(mount_options_are_bounded),
		cmocka_unit_test(signals_have_names_and_numbers),
		cmocka_unit_test(lists_of_cpus),
		cmocka_unit_test(capabilities_by_name),
		cmocka_unit_test(names_go_both_ways),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
