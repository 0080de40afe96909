/* SPDX-License-Identifier: Apache-2.0 */
/* Prints docs/spec-support.md, for `make spec-support`. */
#include <stdio.h>

#include "spec/support.h"

int main(void)
{
	autobuf out = BUF_INIT;

	support_markdown(&out);
	if (buf_error(&out) || fwrite(out.data, 1, out.len, stdout) != out.len || fflush(stdout) != 0) {
		fputs("print_support: cannot write\n", stderr);
		return 1;
	}
	return 0;
}
