/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ports beside the serial one.
 *
 * Of the legacy ports only those have an answer of their own where the bus's (all ones) would lead a kernel astray:
 *   0x64  i8042 status: a "busy" bit that is set makes reboot=k wait for seconds. The command 0xfe pulses the reset line.
 *   0x71  CMOS data: all ones mean "update in progress", which Linux waits out for a second where it has no kvmclock.
 */
#include "vm/kvm/x86/platform.h"
#include "vm/machine/layout.h"

#define I8042_PULSE_RESET 0xfeu
#define SLEEP_PORTS 2u /* control, status */
#define SLP_TYP(v) ((v) >> 2 & 7)
#define SLP_EN 0x20u

static uint64_t platform_read_zero(void *arg unused, uint64_t offset unused, unsigned int len unused)
{
	return 0;
}

/* GUEST: any value may come, here and below; only the documented ones end the machine. */
static void platform_write_sleep(void *arg, uint64_t offset, unsigned int len unused, uint64_t value)
{
	if (offset == 0 && (value & SLP_EN) && SLP_TYP(value) == LAYOUT_SLP_TYP_S5)
		end_report(arg, VM_EXIT_POWEROFF, "the guest powered off");
}

static void platform_write_reset(void *arg, uint64_t offset unused, unsigned int len unused, uint64_t value)
{
	if ((uint8_t)value == LAYOUT_RESET_VALUE)
		end_report(arg, VM_EXIT_RESET, "the guest rebooted");
}

static void platform_write_i8042(void *arg, uint64_t offset unused, unsigned int len unused, uint64_t value)
{
	if ((uint8_t)value == I8042_PULSE_RESET)
		end_report(arg, VM_EXIT_RESET, "the guest rebooted");
}

static const struct bus_ops platform_sleep = { platform_read_zero, platform_write_sleep };
static const struct bus_ops platform_reset = { platform_read_zero, platform_write_reset };
static const struct bus_ops platform_i8042 = { platform_read_zero, platform_write_i8042 };
static const struct bus_ops platform_cmos = { platform_read_zero, NULL };

int platform_add_ports(struct bus *bus, struct end *end, struct err *err)
{
	int r;

	if ((r = bus_add_pio(bus, LAYOUT_SLEEP_CONTROL_PORT, SLEEP_PORTS, &platform_sleep, end, err)) < 0 ||
		(r = bus_add_pio(bus, LAYOUT_RESET_PORT, 1, &platform_reset, end, err)) < 0 ||
		(r = bus_add_pio(bus, LAYOUT_I8042_PORT, 1, &platform_i8042, end, err)) < 0)
		return r;
	return bus_add_pio(bus, LAYOUT_CMOS_PORT, LAYOUT_CMOS_PORTS, &platform_cmos, NULL, err);
}
