/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest-physical map of an x86 machine, and its ports.
 *
 *   0x0000_0000  RAM: PVH start info, command line
 *   0x0009_fc00  reserved; ACPI tables at 0x000e_0000
 *   0x0010_0000  RAM: kernel where its ELF says, initrd at the top
 *   0xc000_0000  end of low RAM at the latest (mem.h)
 *   0xd000_0000  virtio-mmio windows (machine.h)
 *   0xfec0_0000  IOAPIC, in the kernel
 *   0xfee0_0000  LAPICs, in the kernel
 *   0xfffb_c000  KVM's own pages for real mode
 * 0x1_0000_0000  RAM above 3 GiB
 */
#ifndef VM_MACHINE_LAYOUT_H
#define VM_MACHINE_LAYOUT_H

#define LAYOUT_START_INFO 0x6000ull
#define LAYOUT_CMDLINE 0x20000ull
#define LAYOUT_CMDLINE_MAX 2047u /* Linux's COMMAND_LINE_SIZE without the NUL */
#define LAYOUT_LOW_RAM_END 0x9fc00ull
#define LAYOUT_ACPI 0xe0000ull
#define LAYOUT_HIGH_RAM 0x100000ull

#define LAYOUT_IOAPIC 0xfec00000u
#define LAYOUT_LAPIC 0xfee00000u

#define LAYOUT_SERIAL_PORT 0x3f8u
#define LAYOUT_SERIAL_PORTS 8u
#define LAYOUT_SERIAL_GSI 4u

/*
 * How a guest ends its machine, all through ordinary kernel paths: the FADT
 * names these ports, so reboot(RB_POWER_OFF) writes S5 to the sleep control
 * port and reboot(RB_AUTOBOOT) or a panic writes the reset port. The agent
 * needs no port of its own.
 */
#define LAYOUT_SLEEP_CONTROL_PORT 0x600u
#define LAYOUT_SLEEP_STATUS_PORT 0x601u
#define LAYOUT_RESET_PORT 0x602u
#define LAYOUT_RESET_VALUE 0x01u
#define LAYOUT_SLP_TYP_S5 5u /* ACPI 6.4 §4.8.3.7: bits 2 to 4 of sleep control; bit 5 is SLP_EN */

#endif
