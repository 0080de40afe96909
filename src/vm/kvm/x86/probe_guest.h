/* SPDX-License-Identifier: Apache-2.0 */
/* What the probe (probe.c) and its guest program (probe_guest.S) agree on. The assembler reads it as well. */
#ifndef VM_KVM_X86_PROBE_GUEST_H
#define VM_KVM_X86_PROBE_GUEST_H

/* Guest-physical addresses, below PROBE_MEM, which are mapped one to one. */
#define PROBE_MEM 0x200000
#define PROBE_PML4 0x1000
#define PROBE_PDPT 0x2000
#define PROBE_PD 0x3000
#define PROBE_STACK 0x8000 /* grows down from here */
#define PROBE_CODE 0x8000
#define PROBE_PROGRESS 0x10000   /* u64: how many rounds are done */
#define PROBE_OPERAND 0x10040    /* 16 bytes for cmpxchg16b */
#define PROBE_XSAVE_AREA 0x12000 /* has the rest of PROBE_MEM, which is larger than any state */

/* A round is PROBE_INNER turns, each of PROBE_TURN_INSNS instructions, and a few instructions more. */
#define PROBE_ROUNDS 64
#define PROBE_INNER 8192
#define PROBE_TURN_INSNS 5

#define PROBE_PORT 0x5a
#define PROBE_DONE 0x01
#define PROBE_WRONG 0x02 /* cmpxchg16b or xrstor has not done what it should */

#endif
