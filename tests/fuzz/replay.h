/* SPDX-License-Identifier: Apache-2.0 */
/* What the fuzz targets share: their entry, the name of their corpus, and the end of a run that found something. */
#ifndef TESTS_FUZZ_REPLAY_H
#define TESTS_FUZZ_REPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* For a function of a target that runs often and tells the fuzzer nothing about the product: it is not traced. */
#ifdef __clang__
#define UNTRACED __attribute__((no_sanitize("coverage")))
#else
#define UNTRACED
#endif

/* What main() in replay.c replays for a target. */
extern const struct fuzz_target {
	const char *corpus;    /* the directory in tests/fuzz/corpus */
	unsigned int variants; /* how many of each input; as many as are quick */
} fuzz_target;

/* Runs one input; a failure is a crash. Returns 0, as libFuzzer wants it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the process with a core unless @holds; @what names what was broken. */
void require(bool holds, const char *what);

/* The bytes of an input, which are taken from its front; behind its end there are zeros. */
struct input {
	const uint8_t *at, *end;
};

/* Takes an integer of @bytes bytes, at most 8, little-endian. */
uint64_t input_take(struct input *in, unsigned int bytes);

/* Takes @len bytes, or all that are left; *@ret_len is how many. They are the input's own. */
const uint8_t *input_bytes(struct input *in, size_t len, size_t *ret_len);

/* Which of the numbers 1 to @fids stand in @data as 4 bytes, little-endian, wherever: a bit for each. */
unsigned int fids_named(const uint8_t *data, size_t size, unsigned int fids);

/* How many descriptors this process has open; those from @max on are not seen by a kernel older than Linux 6.2. */
unsigned int fds_open(int max);

#endif
