/* SPDX-License-Identifier: Apache-2.0 */
/* One virtual CPU and its thread. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "host/thread.h"
#include "vm/kvm/vcpu.h"
#include "vm/kvm/x86/cpu.h"

/* KVM takes the kernel's set of signals, of 64 bits, and not glibc's. */
#define VCPU_SIGSET_LEN 8
/* A vCPU rests for so long after each bus lock, so that it makes at most 10,000 of them a second. */
#define BUS_LOCK_PAUSE_US 100

/* Lets VCPU_KICK, and no other signal, through while KVM_RUN runs. */
static int vcpu_set_signal_mask(const struct vcpu *v, struct err *err)
{
	union {
		struct kvm_signal_mask mask;
		char room[sizeof(struct kvm_signal_mask) + VCPU_SIGSET_LEN];
	} arg = { .mask = { .len = VCPU_SIGSET_LEN } };
	uint64_t blocked = ~(1ull << (VCPU_KICK - 1));

	memcpy(arg.mask.sigset, &blocked, sizeof(blocked));
	if (ioctl(v->fd, KVM_SET_SIGNAL_MASK, &arg.mask) < 0)
		return err_sys(err, errno, "KVM_SET_SIGNAL_MASK");
	return 0;
}

static int vcpu_map_run(struct vcpu *v, struct err *err)
{
	int len = ioctl(v->machine->kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0);
	void *run;

	if (len < (int)sizeof(*v->run))
		return err_sys(err, len < 0 ? errno : EIO, "KVM_GET_VCPU_MMAP_SIZE");
	run = mmap(NULL, (size_t)len, PROT_READ | PROT_WRITE, MAP_SHARED, v->fd, 0);
	if (run == MAP_FAILED)
		return err_sys(err, errno, "map the state of vCPU %u", v->index);
	v->run = run;
	v->run_len = (size_t)len;
	return 0;
}

int vcpu_check_count(const struct machine *m, unsigned int vcpus, struct err *err)
{
	int max = ioctl(m->kvm_fd, KVM_CHECK_EXTENSION, KVM_CAP_MAX_VCPUS);

	if (max > 0 && vcpus > (unsigned int)max)
		return err_set(err, EINVAL, "%u vCPUs: this machine's KVM has at most %d", vcpus, max);
	return 0;
}

int vcpu_init(struct vcpu *v, const struct machine *m, struct end *end, unsigned int index, unsigned int vcpus,
	struct err *err)
{
	int r;

	*v = (struct vcpu){
		.machine = m,
		.end = end,
		.index = index,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.change = PTHREAD_COND_INITIALIZER,
	};
	v->fd = ioctl(m->vm_fd, KVM_CREATE_VCPU, (unsigned long)index);
	if (v->fd < 0)
		return err_sys(err, errno, "KVM_CREATE_VCPU %u", index);
	if ((r = vcpu_map_run(v, err)) < 0 || (r = vcpu_set_signal_mask(v, err)) < 0 ||
		(r = cpu_setup(m, v->fd, index, vcpus, err)) < 0)
		vcpu_done(v);
	return r;
}

void vcpu_done(struct vcpu *v)
{
	if (v->run)
		(void)munmap(v->run, v->run_len); /* cannot fail: our own mapping, whole */
	fd_close(v->fd);
	v->run = NULL;
	v->fd = -1;
}

static void vcpu_exit_pio(struct vcpu *v)
{
	const struct kvm_run *run = v->run;
	uint8_t *data = (uint8_t *)v->run + run->io.data_offset;

	/* A string instruction comes as several items, which KVM keeps within its page. */
	for (uint32_t i = 0; i < run->io.count; i++)
		bus_pio(&v->machine->bus, run->io.port, data + (size_t)i * run->io.size, run->io.size,
			run->io.direction == KVM_EXIT_IO_OUT);
}

static void vcpu_report_internal_error(struct vcpu *v)
{
	const struct kvm_run *run = v->run;

	end_report(v->end, VM_EXIT_FAILED, "KVM internal error: suberror %u on vCPU %u at rip 0x%llx%s",
		run->internal.suberror, v->index, (unsigned long long)cpu_rip(v->fd),
		run->internal.suberror == KVM_INTERNAL_ERROR_EMULATION ? " (it cannot emulate the guest's instruction)"
								       : "");
}

static void vcpu_report_system_event(struct vcpu *v)
{
	switch (v->run->system_event.type) {
	case KVM_SYSTEM_EVENT_SHUTDOWN:
		end_report(v->end, VM_EXIT_POWEROFF, "the guest powered off");
		break;
	case KVM_SYSTEM_EVENT_RESET:
		end_report(v->end, VM_EXIT_RESET, "the guest rebooted");
		break;
	default:
		end_report(v->end, VM_EXIT_RESET, "the guest crashed (KVM system event %u)", v->run->system_event.type);
		break;
	}
}

/* Handles one exit. False: it has ended the machine. */
static bool vcpu_handle_exit(struct vcpu *v)
{
	struct kvm_run *run = v->run;

	switch (run->exit_reason) {
	case KVM_EXIT_IO:
		vcpu_exit_pio(v);
		return true;
	case KVM_EXIT_MMIO:
		bus_mmio(&v->machine->bus, run->mmio.phys_addr, run->mmio.data, run->mmio.len, run->mmio.is_write);
		return true;
	case KVM_EXIT_INTR:
	case KVM_EXIT_IRQ_WINDOW_OPEN:
		return true;
	case KVM_EXIT_X86_BUS_LOCK: /* GUEST: it holds up the whole machine's memory, so it is slowed down */
		(void)nanosleep(&(struct timespec){ .tv_nsec = BUS_LOCK_PAUSE_US * 1000l }, NULL); /* a kick ends it */
		return true;
	case KVM_EXIT_NOTIFY:
		end_report(v->end, VM_EXIT_FAILED, "vCPU %u was stuck, and its state is lost", v->index);
		return false;
	case KVM_EXIT_SHUTDOWN:
		end_report(v->end, VM_EXIT_RESET, "triple fault on vCPU %u at rip 0x%llx", v->index,
			(unsigned long long)cpu_rip(v->fd));
		return false;
	case KVM_EXIT_SYSTEM_EVENT:
		vcpu_report_system_event(v);
		return false;
	case KVM_EXIT_INTERNAL_ERROR:
		vcpu_report_internal_error(v);
		return false;
	case KVM_EXIT_FAIL_ENTRY:
		end_report(v->end, VM_EXIT_FAILED, "KVM could not enter the guest on vCPU %u: hardware reason 0x%llx",
			v->index, (unsigned long long)run->fail_entry.hardware_entry_failure_reason);
		return false;
	default:
		end_report(v->end, VM_EXIT_FAILED, "unexpected KVM exit %u on vCPU %u at rip 0x%llx", run->exit_reason,
			v->index, (unsigned long long)cpu_rip(v->fd));
		return false;
	}
}

/*
 * Takes away the kicks of vcpu_ask_pause(), which KVM_RUN leaves pending: they would end each further run at once. What they were
 * for is looked at afterwards.
 */
static void vcpu_drop_kicks(void)
{
	const struct timespec now = { 0, 0 };
	sigset_t kick;

	(void)sigemptyset(&kick);
	(void)sigaddset(&kick, VCPU_KICK);
	while (sigtimedwait(&kick, NULL, &now) > 0)
		;
}

/* Handles an error that KVM_RUN returned instead of an exit. False: it has ended the machine. */
static bool vcpu_handle_error(struct vcpu *v, int error)
{
	if (error == EINTR) /* a kick, perhaps of a pause that nobody waits for any more; a debugger, the freezer */
		vcpu_drop_kicks();
	if (error == EINTR || error == EAGAIN) /* EAGAIN: a vCPU that the guest has not started yet */
		return true;
	end_report(v->end, VM_EXIT_FAILED, "KVM_RUN of vCPU %u at rip 0x%llx: %s", v->index,
		(unsigned long long)cpu_rip(v->fd), strerror(error));
	return false;
}

/* The thread waits until it is let go, or is to end. */
static void vcpu_park(struct vcpu *v)
{
	pthread_mutex_lock(&v->lock);
	v->parked = true;
	pthread_cond_broadcast(&v->change);
	while (atomic_load_explicit(&v->pause, memory_order_relaxed) &&
		!atomic_load_explicit(&v->stop, memory_order_relaxed))
		pthread_cond_wait(&v->change, &v->lock);
	v->parked = false;
	pthread_mutex_unlock(&v->lock);
	vcpu_drop_kicks(); /* that of vcpu_stop() too, which has set v->stop before */
}

/* The thread: runs the guest and handles its exits, until the machine ends or vcpu_stop(). */
static void *vcpu_main(void *arg)
{
	struct vcpu *v = arg;
	bool running = true;
	char name[16];

	(void)snprintf(name, sizeof(name), "vcpu%u", v->index);
	(void)pthread_setname_np(pthread_self(), name); /* for top(1) only */
	while (running && !atomic_load_explicit(&v->stop, memory_order_relaxed)) {
		int r;

		if (atomic_load_explicit(&v->pause, memory_order_relaxed)) {
			vcpu_park(v);
			continue;
		}
		r = ioctl(v->fd, KVM_RUN, 0);
		running = r < 0 ? vcpu_handle_error(v, errno) : vcpu_handle_exit(v);
	}
	pthread_mutex_lock(&v->lock);
	v->ended = true;
	pthread_cond_broadcast(&v->change);
	pthread_mutex_unlock(&v->lock);
	return NULL;
}

int vcpu_start(struct vcpu *v, struct err *err)
{
	int r = thread_start(THREAD_VCPU, &v->thread, vcpu_main, v);

	if (r < 0)
		return err_sys(err, r, "start the thread of vCPU %u", v->index);
	v->started = true;
	return 0;
}

/* Changes @flag of @v so that a thread that waits sees it. */
static void vcpu_set(struct vcpu *v, atomic_bool *flag, bool on)
{
	pthread_mutex_lock(&v->lock);
	atomic_store_explicit(flag, on, memory_order_relaxed);
	pthread_cond_broadcast(&v->change);
	pthread_mutex_unlock(&v->lock);
}

void vcpu_ask_pause(struct vcpu *v)
{
	if (!v->started)
		return;
	vcpu_set(v, &v->pause, true);
	/* The thread has not been joined yet, so its id is valid. */
	(void)pthread_kill(v->thread, VCPU_KICK);
}

/* Waits until @v has ended, or with @parked waits as vcpu_ask_pause() has asked for; false: not within @timeout_ms. */
static bool vcpu_await(struct vcpu *v, bool parked, int timeout_ms)
{
	int64_t until_ms = clock_now_ms() + timeout_ms;
	struct timespec until = { .tv_sec = until_ms / 1000, .tv_nsec = until_ms % 1000 * 1000000 };
	bool there;
	int r = 0;

	pthread_mutex_lock(&v->lock);
	while (!(there = v->ended || (parked && v->parked)) && r == 0)
		r = pthread_cond_clockwait(&v->change, &v->lock, CLOCK_MONOTONIC, &until);
	pthread_mutex_unlock(&v->lock);
	return there;
}

bool vcpu_await_pause(struct vcpu *v, int timeout_ms)
{
	return !v->started || vcpu_await(v, true, timeout_ms);
}

void vcpu_resume(struct vcpu *v)
{
	/* A guest that has no clock of KVM's has no watchdog that looks there either: then KVM refuses. */
	(void)ioctl(v->fd, KVM_KVMCLOCK_CTRL, 0);
	vcpu_set(v, &v->pause, false);
}

void vcpu_stop(struct vcpu *v)
{
	if (!v->started)
		return;
	vcpu_set(v, &v->stop, true);
	/* The thread has not been joined yet, so its id is valid. */
	(void)pthread_kill(v->thread, VCPU_KICK);
}

bool vcpu_join(struct vcpu *v, int timeout_ms)
{
	if (!v->started)
		return true;
	if (!vcpu_await(v, false, timeout_ms))
		return false;
	(void)pthread_join(v->thread, NULL);
	v->started = false;
	return true;
}
