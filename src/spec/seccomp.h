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
 * Compiles for a kernel of this machine's architecture. Names that libseccomp
 * does not know are skipped; where that leaves something undone that the
 * config forbids or watches, a warning lists them. SCMP_ACT_NOTIFY is -ENOTSUP.
 * 0 or a negative errno with a message. Not to be called by two threads at once.
 */
must_check int seccomp_compile(
	const struct spec_seccomp *s, struct seccomp_program *ret, struct warnings *warnings, struct err *err);

/*
 * Where compiled programs are kept between runs of the program. @key is all
 * that a program follows from, version included.
 */
struct seccomp_store {
	/* Appends the value kept for this very key: 0, or a negative errno if there is none. */
	int (*get)(void *arg, const struct buf *key, struct buf *ret);
	/* Keeps it, if that is possible. */
	void (*put)(void *arg, const struct buf *key, const struct buf *value);
	void *arg;
};

/* Of the whole process, as libseccomp's own state is. Borrowed; NULL (from the start): nowhere. */
void seccomp_set_store(const struct seccomp_store *store);

void seccomp_program_done(struct seccomp_program *p); /* accepts a zeroed one */

#endif
