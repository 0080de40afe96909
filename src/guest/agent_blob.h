/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent's program, as it goes into the guest's initramfs: vmrunc is one file.
 */
#ifndef GUEST_AGENT_BLOB_H
#define GUEST_AGENT_BLOB_H

extern const unsigned char agent_blob[], agent_blob_end[];

#endif
