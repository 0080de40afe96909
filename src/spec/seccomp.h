/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linux.seccomp compiled to the program that the guest's kernel runs.
 */
#ifndef SPEC_SECCOMP_H
#define SPEC_SECCOMP_H

#include <linux/filter.h>
#include <stddef.h>
#include <stdint.h>

#include "base/base.h"
#include "base/buf.h"
#include "base/err.h"
#include "spec/spec.h"

struct seccomp_program {
	struct sock_filter *insns; /* at most BPF_MAXINSNS; seccomp_program_done() frees them */
	size_t n;
	uint32_t flags; /* SECCOMP_FILTER_FLAG_* for seccomp(2) */
};

/*
 * Where compiled programs are kept between runs of vmrunc. A key holds everything that a program follows from,
 * including the versions of the compiler and of libseccomp.
 */
struct seccomp_store {
	/* Appends to @ret the value that is kept for exactly @key: 0, or a negative errno if there is none. */
	int (*get)(const void *arg, const struct buf *key, struct buf *ret);
	/* Keeps @value for @key if that is possible; a store that cannot says nothing. */
	void (*put)(const void *arg, const struct buf *key, const struct buf *value);
	const void *arg;
};

/*
 * Compiles for a kernel of this machine's architecture, or takes the program from @store (NULL: compiles always). Names
 * that libseccomp does not know are skipped; where that leaves something undone that the config forbids or watches, a
 * warning lists them. SCMP_ACT_NOTIFY is -ENOTSUP. Returns 0 or a negative errno with a message. Two threads must not
 * call it at once.
 */
must_check int seccomp_compile(const struct spec_seccomp *s, const struct seccomp_store *store,
	struct seccomp_program *ret, struct warnings *warnings, struct err *err);

void seccomp_program_done(struct seccomp_program *p); /* accepts a zeroed one */

#endif
