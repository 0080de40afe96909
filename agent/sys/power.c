/* SPDX-License-Identifier: Apache-2.0 */
/* The way out of the machine: see power.h. */
#include "sys/power.h"

#include <sys/reboot.h>
#include <unistd.h>

_Noreturn void power_off(const struct agent *agent)
{
	if (agent->native)
		_exit(0);
	sync();
	(void)reboot(RB_POWER_OFF);
	(void)reboot(RB_AUTOBOOT); /* a VM without a power switch: the kernel's command line makes a reset end it too */
	for (;;)
		(void)pause();
}
