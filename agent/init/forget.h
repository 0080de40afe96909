/* SPDX-License-Identifier: Apache-2.0 */
/* Forgetting what the kernel has cached of the shares and the host has changed. */
#ifndef AGENT_INIT_FORGET_H
#define AGENT_INIT_FORGET_H

#include "init/sync.h"

/*
 * Has the kernel forget what @f names, and calls @done(@arg, @number) when that is done: from the loop, or at once
 * where there is nothing to do. Names that it does not know need not be forgotten.
 */
void forget_names(struct agent *agent, const struct guest_forget *f, sync_fn *done, void *arg, uint32_t number);

#endif
