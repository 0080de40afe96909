/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One virtual CPU and its thread.
 *
 *   vcpu_init       KVM's vCPU and its registers (main thread, before the jail)
 *   vcpu_start      its thread, which runs the guest until the machine ends or the vCPU is stopped
 *   vcpu_pause      has the thread leave the guest and wait, and returns when it does; vcpu_resume lets it go on
 *   vcpu_stop       tells the thread to leave; does not wait
 *   vcpu_join       waits until it has left
 *   vcpu_done       frees the vCPU
 *
 * Stopping needs no signal handler. VCPU_KICK is blocked in the thread, and KVM unblocks it only inside KVM_RUN
 * (KVM_SET_SIGNAL_MASK), which it makes return with EINTR. A kick between two runs stays pending and ends the next one,
 * so none is lost; one that is pending when the thread ends vanishes with it. A thread that was paused takes its kick
 * away before it runs the guest again: each vcpu_ask_pause() sends one, before the thread can be let go.
 *
 * The thread hands the guest's exits to the bus, and reports what ends the machine to its struct end. It never waits for
 * the main loop.
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
	bool started; /* the thread runs, or has ended and is to be joined */
	atomic_bool stop;
	atomic_bool pause;     /* the thread is to wait, or waits; changed under @lock */
	pthread_mutex_t lock;  /* LOCK: @parked, and changes of @pause and @stop that a waiting thread must see */
	pthread_cond_t change; /* of them */
	bool parked;           /* the thread waits */
	bool ended;            /* the thread is at its end, and will not wait any more */
};

/* Whether this host's KVM can give a VM @vcpus vCPUs: 0, or -EINVAL with a message that says how many it can. */
must_check int vcpu_check_count(const struct machine *m, unsigned int vcpus, struct err *err);

/*
 * Makes vCPU @index (from 0) of @vcpus that @m will have. @m and @end are borrowed and outlive it. 0 or -errno with a
 * message; on error nothing is left.
 */
must_check int vcpu_init(struct vcpu *v, const struct machine *m, struct end *end, unsigned int index,
	unsigned int vcpus, struct err *err);

/* Starts its thread, which enters the guest at once. 0 or -errno with a message. */
must_check int vcpu_start(struct vcpu *v, struct err *err);

/*
 * Tells the thread to leave the guest and wait; vcpu_await_pause() is true when it does, or when it has ended, and false if that
 * takes longer than @timeout_ms: GUEST: it resets a device whose requests are out in a file system that hangs. Between the two
 * another vCPU can be told. Both do nothing if there is no thread. On the main thread.
 */
void vcpu_ask_pause(struct vcpu *v);
must_check bool vcpu_await_pause(struct vcpu *v, int timeout_ms);

/*
 * Lets the waiting thread run the guest again, and tells the guest's watchdogs that it stood still (KVM_KVMCLOCK_CTRL).
 * On the main thread.
 */
void vcpu_resume(struct vcpu *v);

/* Makes the thread leave the guest and end. Does nothing if there is none. On the main thread. */
void vcpu_stop(struct vcpu *v);

/*
 * Waits for the thread's end, which vcpu_stop() has asked for or the machine's end brings. False: it still runs after @timeout_ms, as
 * above; then all that it may touch must stay. Does nothing if there is none.
 */
must_check bool vcpu_join(struct vcpu *v, int timeout_ms);

/* Frees a vCPU without a thread. */
void vcpu_done(struct vcpu *v);

#endif
