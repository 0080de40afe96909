/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target: any bytes as config.json, process.json and resources.
 *
 * Each input goes through all three parsers, and as words through the small ones (mount options, signals, lists of
 * CPUs). A result must have the normal form that spec.h promises; a refusal must come with a message. Written as a JSON
 * string, any input must be one that the JSON reader accepts.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cpulist.h"
#include "json/gen.h"
#include "json/json.h"
#include "spec/mountopt.h"
#include "spec/seccomp.h"
#include "spec/signal.h"
#include "spec/spec.h"
#include "tests/fuzz/replay.h"

/* libseccomp is slow, and larger profiles would show it nothing new. */
#define SECCOMP_RULES_MAX 8
#define SECCOMP_NAMES_MAX 8

const struct fuzz_target fuzz_target = { .corpus = "spec", .variants = 64 };

typedef int parse_fn(
	const char *name, const char *json, size_t len, struct spec **ret, struct warnings *warnings, struct err *err);

static void check_process(const struct spec_process *p)
{
	require(p->args.n > 0 && !p->args.v[p->args.n], "no arguments, or no end of them");
	require(p->cwd && *p->cwd == '/', "a working directory that is not absolute");
	for (size_t i = 0; i < p->rlimits.n; i++)
		require(p->rlimits.v[i].soft <= p->rlimits.v[i].hard, "a soft limit above the hard one");
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
		require(p.n > 0 && p.n <= BPF_MAXINSNS, "a program that is too long");
		seccomp_program_done(&p);
	}
}

static void check_spec(const struct spec *s)
{
	if (s->process)
		check_process(s->process);
	for (size_t i = 0; i < s->mounts.n; i++)
		require(*s->mounts.v[i].destination == '/', "a destination that is not absolute");
	for (size_t i = 0; s->linux_ && i < s->linux_->namespaces.n; i++) {
		const struct spec_namespace *ns = &s->linux_->namespaces.v[i];

		require(ns->type < SPEC_NS_COUNT && (!ns->path || *ns->path == '/'), "a namespace that there is not");
		require(spec_namespace_find(s, ns->type) == ns, "a type of namespace that comes twice");
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
		require(!s && err.errnum > 0 && strncmp(err.msg, "fuzz:", 5) == 0, "a refusal without a message");
	require(w.n <= WARNINGS_MAX, "too many warnings");
	spec_free(s);
	warnings_done(&w);
}

static void parse_words(char *text)
{
	struct mountopts o;
	struct cpulist l;
	int nr = signal_parse(text);

	require(nr <= SIGNAL_MAX, "a signal that there is not");
	if (cpulist_parse(text, &l) == 0)
		require(cpulist_count(&l) <= CPULIST_BITS, "too many processors");
	if (mountopts_parse(&text, 1, &o, NULL) == 0) {
		require(!(o.flags & o.flags_clear), "a flag that is set and cleared");
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
	require(arena_new(&arena) == 0, "memory");
	require(json_parse("fuzz", quoted.data, quoted.len, 0, arena, &root, NULL, NULL) == 0,
		"a quotation that cannot be read");
	require(root->type == JSON_STRING, "a quotation that is no string");
	arena_free(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* a copy without a NUL behind it, so that a read beyond the end is seen */
	char *json = calloc(1, size ? size : 1);
	char *text = calloc(1, size + 1);

	require(json && text, "memory");
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
