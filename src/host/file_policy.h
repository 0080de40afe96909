/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a guest may do to the host's files beside reading and writing them.
 *
 * A guest's kernel decides for its processes, and a guest may lie. What config.json gives its process is therefore
 * decided here once more: for what would mean something on the host when others meet the file there. Ids are those of
 * the files, which are the host's.
 */
#ifndef HOST_FILE_POLICY_H
#define HOST_FILE_POLICY_H

#include <stdbool.h>
#include <stdint.h>

struct file_policy {
	bool devices;      /* device nodes may be made; whiteouts (c 0:0), FIFOs and sockets always may */
	bool file_caps;    /* security.capability may be set */
	bool keep_setid;   /* what root writes to keeps its set-id bits */
	bool kernel_files; /* the host kernel's own file systems (procfs, sysfs ...) may be written to */
	/* set-id bits may be set on files of these users, the set-group-id bit on programs of these groups alone */
	uint32_t owner_first, owner_last, group_first, group_last;
};

/* Everything is allowed. */
#define FILE_POLICY_ALL                                                                       \
	{                                                                                     \
		.devices = true, .file_caps = true, .keep_setid = true, .kernel_files = true, \
		.owner_last = UINT32_MAX, .group_last = UINT32_MAX                            \
	}

#endif
