/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The address map of an x86 machine: where RAM, tables, device windows and ports lie. No other file has an address.
 *
 *   0x0000_0000  RAM: PVH start info, command line
 *   0x0009_fc00  reserved; the ACPI tables are at 0x000e_0000
 *   0x0010_0000  RAM: the kernel where its ELF headers say, the initrd at the top
 *   0xc000_0000  the hole begins: low RAM ends here, or earlier in a smaller machine
 *   0xd000_0000    virtio-mmio windows
 *   0xfec0_0000    IOAPIC, emulated by KVM
 *   0xfee0_0000    LAPICs, emulated by KVM
 *   0xfffb_c000    pages that KVM itself uses while a vCPU is in real mode
 * 0x1_0000_0000  the hole ends: the RAM that did not fit below it
 */
#ifndef VM_MACHINE_LAYOUT_H
#define VM_MACHINE_LAYOUT_H

#include <stdint.h>

#define LAYOUT_START_INFO 0x6000ull
#define LAYOUT_CMDLINE 0x20000ull
#define LAYOUT_CMDLINE_MAX 2047u /* bytes; Linux's COMMAND_LINE_SIZE without the NUL */
#define LAYOUT_LOW_RAM_END 0x9fc00ull
#define LAYOUT_ACPI 0xe0000ull
#define LAYOUT_HIGH_RAM 0x100000ull

#define LAYOUT_HOLE_START 0xc0000000ull
#define LAYOUT_HOLE_END 0x100000000ull

/* The window and the interrupt line of the virtio device in slot @i, which is below LAYOUT_VIRTIO_MAX. */
#define LAYOUT_VIRTIO_STRIDE 0x1000ull
#define LAYOUT_VIRTIO_GPA(i) (0xd0000000ull + (uint64_t)(i)*LAYOUT_VIRTIO_STRIDE)
#define LAYOUT_VIRTIO_SIZE 0x200ull
#define LAYOUT_VIRTIO_MAX 24u /* as many as QEMU's microvm has */
/*
 * The IOAPIC has 24 pins, of which 5 to 23 are free. The last slots share them with those before: slot 19 with 18, 20 with
 * 17. A line is edge-triggered, and each edge has the driver look at both devices, so that none is lost.
 */
#define LAYOUT_VIRTIO_GSI(i) ((i) < 19u ? 5u + (i) : 42u - (i))

#define LAYOUT_IOAPIC 0xfec00000u
#define LAYOUT_LAPIC 0xfee00000u

/* KVM on Intel processors wants one page for an identity map and three for a TSS; they must be outside RAM. */
#define LAYOUT_IDENTITY_MAP 0xfffbc000ull
#define LAYOUT_TSS 0xfffbd000ul

#define LAYOUT_SERIAL_PORT 0x3f8u
#define LAYOUT_SERIAL_PORTS 8u
#define LAYOUT_SERIAL_GSI 4u

#define LAYOUT_I8042_PORT 0x64u
#define LAYOUT_CMOS_PORT 0x70u
#define LAYOUT_CMOS_PORTS 2u

/*
 * The ports by which a guest ends its machine. The FADT names them, so ordinary kernel paths lead there:
 * reboot(RB_POWER_OFF) writes S5 to the sleep control port; reboot(RB_AUTOBOOT) and a panic write the reset port.
 * The agent needs no port of its own.
 */
#define LAYOUT_SLEEP_CONTROL_PORT 0x600u
#define LAYOUT_SLEEP_STATUS_PORT 0x601u
#define LAYOUT_RESET_PORT 0x602u
#define LAYOUT_RESET_VALUE 0x01u
#define LAYOUT_SLP_TYP_S5 5u /* ACPI 6.4 §4.8.3.7: bits 2 to 4 of sleep control; bit 5 is SLP_EN */

#endif
