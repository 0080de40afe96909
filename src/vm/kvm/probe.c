/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is /dev/kvm of use on this machine?
 *
 * The guest program (probe_guest.S) runs on the calling thread until it says that it is done, or until a timer's signal
 * ends KVM_RUN. The signal is sent to this thread alone. It is blocked here, and KVM unblocks it only inside KVM_RUN (as
 * in vcpu.h). So no handler is installed, and no other thread is disturbed.
 *
 * What counts is the CPU time of the thread and not the time that passes: on a busy machine any guest gets less of the
 * processor, but only an emulated one gets less done in the time that it has.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "vm/kvm/probe.h"
#include "vm/kvm/x86/probe_cpu.h"
#include "vm/kvm/x86/probe_guest.h"
#include "vm/machine/layout.h"

/*
 * A guest that runs fewer millions of instructions per second than this is emulated. KVM's instruction emulator makes
 * about two, a processor thousands, and a processor that is emulated itself (tests/kvmhost) some hundred.
 */
#define PROBE_MIPS_MIN 10

#define PROBE_SIGNAL SIGRTMIN
#define PROBE_SIGSET_LEN 8 /* bytes of the kernel's signal set, which is what KVM takes */

struct probe {
	int kvm_fd, vm_fd, vcpu_fd;
	uint8_t *mem;
	struct kvm_run *run;
	size_t run_len;
	struct probe_verdict *v;
};

/* Sets the verdict. Returns 0, which ends the probe. */
static int printf_like(3, 4) probe_say(struct probe *p, enum probe_verdict_kind kind, const char *fmt, ...)
{
	va_list ap;

	p->v->kind = kind;
	va_start(ap, fmt);
	(void)vsnprintf(p->v->why, sizeof(p->v->why), fmt, ap); /* it may be cut */
	va_end(ap);
	return 0;
}

/* @call has failed with errno: -errno if this process lacks something, else 0 with the verdict that KVM fails. */
static int probe_call_failed(struct probe *p, const char *call)
{
	int error = errno;

	if (error == ENOMEM || error == EMFILE || error == ENFILE)
		return -error;
	return probe_say(p, PROBE_VERDICT_FAILS, "%s fails: %s", call, strerror(error));
}

/* ---- the steps: each returns 1 to go on; 0 with a verdict, or -errno, ends the probe ---- */

static int probe_open(struct probe *p)
{
	p->kvm_fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (p->kvm_fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM))
		return -errno;
	if (p->kvm_fd < 0)
		return probe_say(p, PROBE_VERDICT_ABSENT, "/dev/kvm cannot be opened: %s", strerror(errno));
	if (ioctl(p->kvm_fd, KVM_GET_API_VERSION, 0) != KVM_API_VERSION)
		return probe_say(p, PROBE_VERDICT_FAILS, "/dev/kvm has another API version than %d", KVM_API_VERSION);
	return 1;
}

/* Makes a VM with PROBE_MEM bytes of memory. */
static int probe_make_vm(struct probe *p)
{
	struct kvm_userspace_memory_region slot = { .memory_size = PROBE_MEM };
	void *mem;

	do
		p->vm_fd = ioctl(p->kvm_fd, KVM_CREATE_VM, 0);
	while (p->vm_fd < 0 && errno == EINTR);
	if (p->vm_fd < 0)
		return probe_call_failed(p, "KVM_CREATE_VM");
	mem = mmap(NULL, PROBE_MEM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (mem == MAP_FAILED)
		return -errno;
	p->mem = mem;
	slot.userspace_addr = (uintptr_t)mem;
	if (ioctl(p->vm_fd, KVM_SET_TSS_ADDR, LAYOUT_TSS) < 0)
		return probe_call_failed(p, "KVM_SET_TSS_ADDR");
	if (ioctl(p->vm_fd, KVM_SET_USER_MEMORY_REGION, &slot) < 0)
		return probe_call_failed(p, "KVM_SET_USER_MEMORY_REGION");
	return 1;
}

static int probe_set_signal_mask(struct probe *p)
{
	union {
		struct kvm_signal_mask mask;
		char room[sizeof(struct kvm_signal_mask) + PROBE_SIGSET_LEN];
	} arg = { .mask = { .len = PROBE_SIGSET_LEN } };
	uint64_t blocked = ~(1ull << (PROBE_SIGNAL - 1));

	memcpy(arg.mask.sigset, &blocked, sizeof(blocked));
	return ioctl(p->vcpu_fd, KVM_SET_SIGNAL_MASK, &arg.mask) < 0 ? probe_call_failed(p, "KVM_SET_SIGNAL_MASK") : 1;
}

/* Makes the VM's only vCPU, and maps the state that it shares with KVM. */
static int probe_make_vcpu(struct probe *p)
{
	int len = ioctl(p->kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0);
	void *run;

	p->vcpu_fd = ioctl(p->vm_fd, KVM_CREATE_VCPU, 0);
	if (p->vcpu_fd < 0)
		return probe_call_failed(p, "KVM_CREATE_VCPU");
	if (len < (int)sizeof(*p->run))
		return probe_say(p, PROBE_VERDICT_FAILS, "KVM_GET_VCPU_MMAP_SIZE says %d", len);
	run = mmap(NULL, (size_t)len, PROT_READ | PROT_WRITE, MAP_SHARED, p->vcpu_fd, 0);
	if (run == MAP_FAILED)
		return -errno;
	p->run = run;
	p->run_len = (size_t)len;
	return probe_set_signal_mask(p);
}

/* Puts the guest program into memory, and the vCPU at its start. */
static int probe_set_up_cpu(struct probe *p)
{
	const char *call;
	int r = probe_cpu_set_up(p->kvm_fd, p->vcpu_fd, p->mem, &call);

	if (r == 0)
		return 1;
	if (call) {
		errno = -r;
		return probe_call_failed(p, call);
	}
	return r == -ENOTSUP
		       ? probe_say(p, PROBE_VERDICT_FAILS, "KVM's vCPUs have no cmpxchg16b, which 64-bit kernels need")
		       : r;
}

static uint64_t probe_rounds(const struct probe *p)
{
	uint64_t n;

	memcpy(&n, p->mem + PROBE_PROGRESS, sizeof(n));
	return n;
}

/* The verdict on a guest that has run to its end, or until its time was up. */
static int probe_judge_speed(struct probe *p, uint64_t cpu_ns)
{
	uint64_t insns = probe_rounds(p) * PROBE_INNER * PROBE_TURN_INSNS;

	p->v->mips = (unsigned int)(insns * 1000 / MAX(cpu_ns, 1));
	if (p->v->mips < PROBE_MIPS_MIN)
		return probe_say(p, PROBE_VERDICT_TOO_SLOW,
			"KVM emulates the guest's kernel instead of running it: %s%u million instructions/s (a nested or fake KVM)",
			p->v->mips == 0 ? "below " : "", MAX(p->v->mips, 1));
	return probe_say(p, PROBE_VERDICT_USABLE, "KVM runs a guest's kernel at %u million instructions/s", p->v->mips);
}

/* The verdict on a guest that has left KVM_RUN by itself. */
static int probe_judge_exit(struct probe *p, uint64_t cpu_ns)
{
	const struct kvm_run *run = p->run;

	switch (run->exit_reason) {
	case KVM_EXIT_IO:
		if (run->io.port == PROBE_PORT && *((const uint8_t *)run + run->io.data_offset) == PROBE_DONE)
			return probe_judge_speed(p, cpu_ns);
		return probe_say(p, PROBE_VERDICT_FAILS, "KVM ran guest instructions wrongly");
	case KVM_EXIT_INTERNAL_ERROR:
		return probe_say(p, PROBE_VERDICT_FAILS, "KVM cannot run a guest's kernel: internal error %u%s",
			run->internal.suberror,
			run->internal.suberror == KVM_INTERNAL_ERROR_EMULATION
				? ", it emulates instructions and does not know them all"
				: "");
	default:
		return probe_say(
			p, PROBE_VERDICT_FAILS, "KVM cannot run a guest's kernel: exit reason %u", run->exit_reason);
	}
}

static uint64_t probe_cpu_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t); /* cannot fail */
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Runs the guest once. The timer is armed, and its signal is blocked. */
static int probe_run(struct probe *p)
{
	uint64_t start = probe_cpu_ns(), cpu_ns;
	int r = ioctl(p->vcpu_fd, KVM_RUN, 0), error = errno;

	cpu_ns = probe_cpu_ns() - start;
	if (r == 0 && p->run->exit_reason != KVM_EXIT_INTR)
		return probe_judge_exit(p, cpu_ns);
	if (r < 0 && error != EINTR) {
		errno = error;
		return probe_call_failed(p, "KVM_RUN");
	}
	return probe_judge_speed(p, cpu_ns); /* its time was up */
}

/* Runs the guest with a timer that ends it after PROBE_RUN_MS, and puts the thread's signal mask back. */
static int probe_run_timed(struct probe *p)
{
	const struct itimerspec when = { .it_value = { .tv_nsec = PROBE_RUN_MS * 1000000l } };
	const struct timespec now = { 0, 0 };
	struct sigevent ev = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = PROBE_SIGNAL };
	sigset_t set, old;
	timer_t timer;
	int r;

	ev._sigev_un._tid = (pid_t)syscall(SYS_gettid);
	sigemptyset(&set);
	sigaddset(&set, PROBE_SIGNAL);
	if (timer_create(CLOCK_MONOTONIC, &ev, &timer) < 0)
		return -errno;
	(void)pthread_sigmask(SIG_BLOCK, &set, &old); /* cannot fail: the set is valid */
	r = timer_settime(timer, 0, &when, NULL) < 0 ? -errno : probe_run(p);
	(void)timer_delete(timer); /* cannot fail: it is ours */
	/* A signal that has come meanwhile is taken before the mask lets it through. */
	while (sigtimedwait(&set, NULL, &now) > 0)
		;
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	return r;
}

int probe_kvm(struct probe_verdict *ret)
{
	struct probe_verdict v = { .mips = 0 };
	struct probe p = { .kvm_fd = -1, .vm_fd = -1, .vcpu_fd = -1, .v = &v };
	int r;

	if ((r = probe_open(&p)) == 1 && (r = probe_make_vm(&p)) == 1 && (r = probe_make_vcpu(&p)) == 1 &&
		(r = probe_set_up_cpu(&p)) == 1)
		r = probe_run_timed(&p);
	if (p.run)
		(void)munmap(p.run, p.run_len); /* cannot fail: our own mapping, whole; as below */
	fd_close(p.vcpu_fd);
	fd_close(p.vm_fd);
	fd_close(p.kvm_fd);
	if (p.mem)
		(void)munmap(p.mem, PROBE_MEM);
	if (r == 0)
		*ret = v;
	return r;
}
