/* SPDX-License-Identifier: Apache-2.0 */
/* The agent's program: see agent_blob.h. Built first, found relative to the build directory. */
	.section .rodata
	.balign 16
	.globl agent_blob
	.type agent_blob, @object
agent_blob:
	.incbin "agent/agent"
	.globl agent_blob_end
agent_blob_end:
	.byte 0
	.size agent_blob, agent_blob_end - agent_blob
	.section .note.GNU-stack, "", @progbits
#ifdef __CET__ /* else the whole program would lack the note of -fcf-protection */
#include <cet.h>
#endif
