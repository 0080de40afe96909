/* SPDX-License-Identifier: Apache-2.0 */
/* Signals: see sig.h. */
#include "base/sig.h"

#include <signal.h>
#include <stddef.h>

void sig_reset(void)
{
	struct sigaction sa = { .sa_handler = SIG_DFL };
	sigset_t none;

	(void)sigemptyset(&none);
	for (int s = 1; s < NSIG; s++)
		(void)sigaction(s, &sa, NULL); /* refused for SIGKILL, SIGSTOP and libc's own */
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}
