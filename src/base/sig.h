/* SPDX-License-Identifier: Apache-2.0 */
/* Signals as a new program finds them. */
#ifndef BASE_SIG_H
#define BASE_SIG_H

/* Gives each signal its default action and unblocks all of them, for a child that is about to execute a program. */
void sig_reset(void);

#endif
