/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The monitor: the long-lived process that is a virtual machine, and the containers in it, on the host.
 *
 * It owns the process (streams, signals, exit status), the jail, the VM, the loop, the control socket and the report
 * socket. The containers are its members (member.h): it dispatches to them what the guest, the control socket and
 * signals bring, and decides what their fate means for the rest. There is one today, the first; the process stands for
 * it: it gets the signals, and gives its exit status.
 *
 *   monitor_main()
 *      |  build(): takes signals, VM built: vm_new(); member_new()
 *      |  enclose(): BUILT to create, hooks of create, jail
 *      |  assemble(): the loop and all that it serves; vm_start(), guest_new()
 *   [booting]
 *      |  on_ready(): guest_sandbox()
 *      |  on_sandbox(): member_create() of the first member
 *      |  on_member_created(): /dev/null for create's streams; READY to create
 *   [serving]    on_start(), on_signal_request(): the control socket (commands.h); on_signal(): kill(2)
 *      |  finish(): on_member_ended(), or fail(): the VM, the agent or the channel has failed
 *   [over]
 *      |  guest_free(), vm_free(), member_stopped()
 *   exit         (the first member's code; 128 + n after signal n; 255: no member gave one)
 *
 * Invariants:
 * 1. Until READY it lives only as long as create: the end of the report socket is its end (on_create_gone()).
 * 2. The standard streams of create are the container's and nothing else's: once they are connected to the guest,
 *    the monitor itself has /dev/null.
 * 3. Every signal that can be caught is the first member's. SIGKILL takes the VM along.
 * 4. Nothing of the guest runs before the jail is entered.
 */
#ifndef MONITOR_MONITOR_H
#define MONITOR_MONITOR_H

#include "monitor/job.h"

/* The monitor's own main, in the forked process. @report: its end of the report socket. */
_Noreturn void monitor_main(struct monitor_job *job, int report);

#endif
