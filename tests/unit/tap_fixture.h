/* SPDX-License-Identifier: Apache-2.0 */
/* For tests of network devices: taps, and the host's side of them, in a network namespace of the test's own. */
#ifndef TESTS_UNIT_TAP_FIXTURE_H
#define TESTS_UNIT_TAP_FIXTURE_H

/* Opens a queue of the tap @name, which is made with @flags (IFF_TAP, ...) if there is none: a descriptor, or -1. */
int tap_open(const char *name, short flags);

/* Brings the interface @name up, and opens a socket for its packets, all of which are seen. What cannot be done fails the test. */
int packet_socket(const char *name);

#endif
