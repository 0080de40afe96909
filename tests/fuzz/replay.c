/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The main() of a fuzz target that is not built for libFuzzer: it replays the files in its arguments or, without any, the
 * target's corpus in the source tree. Each input is run as it is, cut short, with single bytes changed, and with several
 * bytes changed by a generator that gives the same numbers everywhere. That is what `make check` does.
 */
#include "tests/fuzz/replay.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/fd.h"

#ifndef FUZZING

#define INPUT_MAX 65536
#define MIXED_BYTES 8 /* at most, of a variant with several bytes changed */

static uint64_t generator = 0x9e3779b97f4a7c15ull;

static uint64_t generate(void)
{
	generator ^= generator << 13;
	generator ^= generator >> 7;
	generator ^= generator << 17;
	return generator >> 16;
}

/* Runs a copy whose end is the end of its memory, so that a sanitizer sees what is read behind it. */
static void run(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);

	require(copy != NULL, "memory");
	memcpy(copy, data, size);
	(void)LLVMFuzzerTestOneInput(copy, size); /* it is always 0 */
	free(copy);
}

static unsigned int replay(uint8_t *data, size_t size)
{
	unsigned int runs = 1;

	run(data, size);
	for (size_t cut = 0; cut < size; cut += 1 + size * 6 / fuzz_target.variants, runs++)
		run(data, cut);
	for (size_t at = 0; at < size; at += 1 + size * 2 / fuzz_target.variants, runs += 2) {
		uint8_t was = data[at];

		data[at] = was ^ (uint8_t)(1u << at % 8);
		run(data, size);
		data[at] = 0xff;
		run(data, size);
		data[at] = was;
	}
	for (unsigned int i = 0; size > 0 && i < fuzz_target.variants; i++, runs++) {
		uint8_t *copy = malloc(size);

		require(copy != NULL, "memory");
		memcpy(copy, data, size);
		for (unsigned int k = 0; k <= i % MIXED_BYTES; k++)
			copy[generate() % size] = (uint8_t)generate();
		run(copy, size);
		free(copy);
	}
	return runs;
}

static unsigned int replay_file(const char *path)
{
	char *data;
	size_t size;
	unsigned int runs;

	require(fd_read_file(AT_FDCWD, path, INPUT_MAX, &data, &size) == 0, path);
	runs = replay((uint8_t *)data, size);
	free(data);
	return runs;
}

int main(int argc, char **argv)
{
	unsigned int files = 0, runs = 0;
	char dir_path[4096], path[8192];
	struct dirent *d;
	DIR *dir = NULL;

	for (int i = 1; i < argc; i++, files++)
		runs += replay_file(argv[i]);
	if (argc == 1) {
		snprintf(dir_path, sizeof(dir_path), "%s/tests/fuzz/corpus/%s", SRCDIR, fuzz_target.corpus);
		dir = opendir(dir_path);
		require(dir != NULL, dir_path);
	}
	while (dir != NULL && (d = readdir(dir)) != NULL) {
		if (d->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir_path, d->d_name);
		runs += replay_file(path);
		files++;
	}
	if (dir != NULL)
		closedir(dir);
	require(files > 0, "no inputs");
	printf("%u inputs, %u runs\n", files, runs);
	return 0;
}
#endif
