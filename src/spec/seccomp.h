/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compiles linux.seccomp to the program that the guest's kernel runs for each system call of the container.
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
	struct sock_filter *insns; /* owned */
	size_t n;                  /* instructions, at most BPF_MAXINSNS */
	uint32_t flags;            /* SECCOMP_FILTER_FLAG_* for seccomp(2) */
};

/*
 * A place where compiled programs are kept between runs of vmrunc. A key holds everything that decides what a program
 * looks like, including the versions of the compiler and of libseccomp.
 */
struct seccomp_store {
	/* Appends the value that is kept for exactly @key to @ret. 0, or a negative errno if there is none. */
	int (*get)(const void *arg, const struct buf *key, struct buf *ret);
	/* Keeps @value for @key; a store that cannot do it says nothing. */
	void (*put)(const void *arg, const struct buf *key, const struct buf *value);
	const void *arg;
};

/*
 * Makes the program for a kernel of this machine's architecture, or takes it from @store (NULL: always compiles). Names
 * that libseccomp does not know are skipped; if a skipped rule would have forbidden or watched something, a warning
 * lists its names. 0 and *@ret, which the caller frees with seccomp_program_done(); or a negative errno with a message,
 * -ENOTSUP for SCMP_ACT_NOTIFY. Two threads must not call it at once, because libseccomp has settings of the whole
 * process.
 */
must_check int seccomp_compile(const struct spec_seccomp *s, const struct seccomp_store *store,
	struct seccomp_program *ret, struct warnings *warnings, struct err *err);

/* Frees the instructions and leaves an empty program. @p may be zeroed memory. */
void seccomp_program_done(struct seccomp_program *p);

#endif
