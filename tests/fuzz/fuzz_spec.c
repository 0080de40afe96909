/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target: any bytes as config.json, process.json and resources.
 *
 * Each input goes through all three parsers, and as words through the small ones (mount options, signals, lists of
 * CPUs). A result must have the normal form that spec.h promises; a refusal must come with a message. Written as a JSON
 * string, any input must be one that the JSON reader accepts.
 *
 * Built with -fsanitize=fuzzer (`make fuzz-spec`) it fuzzes. Otherwise main() replays the files that are its arguments;
 * if there are none, it replays the corpus of the source tree, each file as it is, cut, and with single bytes changed:
 * that is `make check`.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cpulist.h"
#include "base/fd.h"
#include "json/gen.h"
#include "json/json.h"
#include "spec/mountopt.h"
#include "spec/seccomp.h"
#include "spec/signal.h"
#include "spec/spec.h"

/* libseccomp is slow, and larger profiles would show it nothing new. */
#define SECCOMP_RULES_MAX 8
#define SECCOMP_NAMES_MAX 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef int parse_fn(
	const char *name, const char *json, size_t len, struct spec **ret, struct warnings *warnings, struct err *err);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void check_process(const struct spec_process *p)
{
	require(p->args.n > 0 && !p->args.v[p->args.n]);
	require(p->cwd && *p->cwd == '/');
	for (size_t i = 0; i < p->rlimits.n; i++)
		require(p->rlimits.v[i].soft <= p->rlimits.v[i].hard);
}

static void check_seccomp(const struct spec_seccomp *s)
{
	struct seccomp_program p;

	if (s->syscalls.n > SECCOMP_RULES_MAX)
		return;
	for (size_t i = 0; i < s->syscalls.n; i++)
		if (s->syscalls.v[i].names.n > SECCOMP_NAMES_MAX)
			return;
	if (seccomp_compile(s, NULL, &p, NULL, NULL) == 0) {
		require(p.n > 0 && p.n <= BPF_MAXINSNS);
		seccomp_program_done(&p);
	}
}

static void check_spec(const struct spec *s)
{
	if (s->process)
		check_process(s->process);
	for (size_t i = 0; i < s->mounts.n; i++)
		require(*s->mounts.v[i].destination == '/');
	for (size_t i = 0; s->linux_ && i < s->linux_->namespaces.n; i++) {
		const struct spec_namespace *ns = &s->linux_->namespaces.v[i];

		require(ns->type < SPEC_NS_COUNT && (!ns->path || *ns->path == '/'));
		require(spec_namespace_find(s, ns->type) == ns); /* no type comes twice */
	}
	if (s->linux_ && s->linux_->seccomp)
		check_seccomp(s->linux_->seccomp);
}

static void parse_one(parse_fn *parse, const char *json, size_t len)
{
	struct warnings w = WARNINGS_INIT;
	struct err err = ERR_INIT;
	struct spec *s = NULL;

	if (parse("fuzz", json, len, &s, &w, &err) == 0)
		check_spec(s);
	else
		require(!s && err.errnum > 0 && strncmp(err.msg, "fuzz:", 5) == 0);
	require(w.n <= WARNINGS_MAX);
	spec_free(s);
	warnings_done(&w);
}

static void parse_words(char *text)
{
	struct mountopts o;
	struct cpulist l;
	int nr = signal_parse(text);

	require(nr <= SIGNAL_MAX);
	if (cpulist_parse(text, &l) == 0)
		require(cpulist_count(&l) <= CPULIST_BITS);
	if (mountopts_parse(&text, 1, &o, NULL) == 0) {
		require(!(o.flags & o.flags_clear));
		mountopts_done(&o);
	}
}

static void check_quote(const char *text, size_t len)
{
	struct arena *arena = NULL;
	struct json *root = NULL;
	autobuf quoted = BUF_INIT;

	for (size_t i = 0; i < len; i++)
		if (!text[i])
			return; /* a reader refuses NUL, which is written as it should be */
	gen_quote(&quoted, text, len);
	require(arena_new(&arena) == 0);
	require(json_parse("fuzz", quoted.data, quoted.len, 0, arena, &root, NULL, NULL) == 0);
	require(root->type == JSON_STRING);
	arena_free(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* a copy without a NUL behind it, so that a read beyond the end is seen */
	char *json = calloc(1, size ? size : 1);
	char *text = calloc(1, size + 1);

	require(json && text);
	if (size) {
		memcpy(json, data, size);
		memcpy(text, data, size);
	}
	parse_one(spec_parse, json, size);
	parse_one(spec_parse_process, json, size);
	parse_one(spec_parse_resources, json, size);
	parse_words(text);
	check_quote(text, size);
	free(json);
	free(text);
	return 0;
}

#ifndef FUZZING
#define INPUT_MAX (64 * 1024)
/* How many bytes of one corpus file are changed: enough to meet each field, few enough for a second of `make check`. */
#define MUTATIONS 64

static void replay_changed(const uint8_t *data, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);
	uint32_t x = 0x9e3779b9; /* xorshift: the same on every machine */

	require(copy);
	for (int i = 0; i < MUTATIONS && len; i++) {
		x ^= x << 13;
		x ^= x >> 17;
		x ^= x << 5;
		memcpy(copy, data, len);
		copy[x % len] = (uint8_t)(x >> 24);
		(void)LLVMFuzzerTestOneInput(copy, len); /* always 0: it crashes or it does not */
		(void)LLVMFuzzerTestOneInput(data, x % len);
	}
	free(copy);
}

static int replay_file(int dirfd, const char *path)
{
	autofree char *data = NULL;
	size_t len;
	int rc = fd_read_file(dirfd, path, INPUT_MAX, &data, &len);

	if (rc < 0) {
		fprintf(stderr, "%s: %s\n", path, strerror(-rc));
		return 1;
	}
	(void)LLVMFuzzerTestOneInput((const uint8_t *)data, len); /* as above */
	replay_changed((const uint8_t *)data, len);
	return 0;
}

static int replay_corpus(void)
{
	const char *path = SRCDIR "/tests/fuzz/corpus/spec";
	struct dirent *de;
	int bad = 0, n = 0;
	DIR *dir = opendir(path);

	if (!dir) {
		perror(path);
		return 1;
	}
	while ((de = readdir(dir)) != NULL) {
		if (de->d_name[0] == '.')
			continue;
		bad |= replay_file(dirfd(dir), de->d_name);
		n++;
	}
	closedir(dir);
	printf("%d inputs of the corpus\n", n);
	return n == 0 || bad;
}

int main(int argc, char **argv)
{
	int bad = 0;

	for (int i = 1; i < argc; i++)
		bad |= replay_file(AT_FDCWD, argv[i]);
	return argc > 1 ? bad : replay_corpus();
}
#endif
