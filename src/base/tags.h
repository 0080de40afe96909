/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The names by which host and guest find each other's devices: both sides are built from this file, and nothing else
 * may spell them out.
 */
#ifndef BASE_TAGS_H
#define BASE_TAGS_H

/* Name of the virtio-console port that is the channel (virtio 1.2 §5.3.6.2, VIRTIO_CONSOLE_PORT_NAME). */
#define TAG_PORT "org.vmrunc.agent"

/* Mount tags of the two 9P shares (virtio 1.2 §5.13, "mount_tag"); the agent names its mount points after them. */
#define TAG_PRIVATE "private" /* exports that only this VM uses: cached aggressively */
#define TAG_SHARED "shared"   /* exports that the host changes too: cached coherently */

/*
 * A user that no process of a container is, as whom the agent has its kernel forget names (agent/init/forget.c): the 9P
 * server (src/p9/op_fid.c) lets it do nothing else. What was moved away gets a name that begins with TAG_GONE.
 */
#define TAG_FORGETTER_UID 4294951915u
#define TAG_GONE ".vmrunc-gone-"

#endif
