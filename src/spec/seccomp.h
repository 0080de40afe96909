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
must_check int seccomp_compile(const struct spec_seccomp *s, struct seccomp_program *ret,
	struct spec_warnings *warnings, struct err *err);

void seccomp_program_done(struct seccomp_program *p); /* accepts a zeroed one */

#endif
