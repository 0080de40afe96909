/* SPDX-License-Identifier: Apache-2.0 */
/* The least that a guest can do: an init that powers off. */
#include <sys/reboot.h>
#include <unistd.h>

int main(void)
{
	(void)reboot(RB_POWER_OFF); /* if it fails, init ends and the kernel panics: seen as such */
	return 1;
}
