/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One virtual CPU and its thread.
 *
 *   vcpu_init       KVM's vCPU, its registers (main thread, before the jail)
 *   vcpu_start      its thread: KVM_RUN until the end or a stop
 *   vcpu_stop       tells it to leave; does not wait
 *   vcpu_join       waits for it
 *   vcpu_done
 *
 * Stopping needs no signal handler: VCPU_KICK is blocked in the thread and
 * unblocked only inside KVM_RUN (KVM_SET_SIGNAL_MASK), which it makes return
 * with EINTR. A kick that comes between two runs stays pending and ends the next
 * one, so none is lost; what is left pending ends with the thread.
 *
 * The thread dispatches exits to the bus and reports what ends the machine to
 * its struct end. It never calls back into the loop.
 */
#ifndef VM_KVM_VCPU_H
#define VM_KVM_VCPU_H

#include <linux/kvm.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/base.h"
#include "base/err.h"
#include "vm/machine/end.h"
#include "vm/machine/machine.h"

#define VCPU_KICK SIGRTMIN

struct vcpu {
	const struct machine *machine; /* borrowed, as is end */
	struct end *end;
	unsigned int index;
	int fd;
	struct kvm_run *run; /* shared with KVM; only the vCPU's thread looks at it */
	size_t run_len;
	pthread_t thread;
	bool started; /* the thread is to be joined */
	atomic_bool stop;
};

must_check int vcpu_init(struct vcpu *v, const struct machine *m, struct end *end, unsigned int index, struct err *err);
must_check int vcpu_start(struct vcpu *v, struct err *err);
void vcpu_stop(struct vcpu *v);
void vcpu_join(struct vcpu *v);
void vcpu_done(struct vcpu *v); /* joined; accepts one that was only zeroed with fd -1 */

#endif
