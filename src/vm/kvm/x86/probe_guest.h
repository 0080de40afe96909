/* SPDX-License-Identifier: Apache-2.0 */
/* What the probe's guest program (probe_guest.S) and the probe agree on; also read by the assembler. */
#ifndef VM_KVM_X86_PROBE_GUEST_H
#define VM_KVM_X86_PROBE_GUEST_H

/* Guest-physical, below PROBE_MEM; mapped one to one. */
#define PROBE_MEM 0x200000
#define PROBE_PML4 0x1000
#define PROBE_PDPT 0x2000
#define PROBE_PD 0x3000
#define PROBE_STACK 0x8000 /* grows down from here */
#define PROBE_CODE 0x8000
#define PROBE_PROGRESS 0x10000   /* u64: rounds done */
#define PROBE_OPERAND 0x10040    /* 16 bytes for cmpxchg16b */
#define PROBE_XSAVE_AREA 0x12000 /* to PROBE_MEM: larger than any state */

/* A round is PROBE_INNER turns of PROBE_TURN_INSNS instructions and a few more. */
#define PROBE_ROUNDS 64
#define PROBE_INNER 8192
#define PROBE_TURN_INSNS 5

#define PROBE_PORT 0x5a
#define PROBE_DONE 0x01
#define PROBE_WRONG 0x02 /* cmpxchg16b or xrstor did not do what they should */

#endif
