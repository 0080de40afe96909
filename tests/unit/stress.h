/* SPDX-License-Identifier: Apache-2.0 */
/* What the stress tests share: how long they take, the numbers that they choose by, and the end of one that hangs. */
#ifndef TESTS_UNIT_STRESS_H
#define TESTS_UNIT_STRESS_H

/* How long a test goes on: STRESS_SECONDS of the environment, or 1. */
unsigned int stress_seconds(void);

/* A number below @below (not 0), the next one of the row that *@seed stands for. */
unsigned int stress_rnd(unsigned int *seed, unsigned int below);

/* Has a signal end the process if stress_end() does not come within stress_seconds() and two minutes: then it hangs. */
void stress_begin(void);
void stress_end(void);

#endif
