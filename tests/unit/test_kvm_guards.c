/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a machine asks of KVM to bound its guest, with a false KVM behind open(2) and ioctl(2), and that it lets go of
 * /dev/kvm.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <unistd.h>

#include "vm/machine/machine.h"
#include "vm/vm.h"

/* What the false KVM has, what it refuses, and what was asked of it. */
static struct {
	int bus_lock, notify;
	uint32_t refused;
	uint64_t bus_lock_on, notify_on;
	unsigned int asked;
} kvm;

int __wrap_open(const char *path, int flags, ...);
int __wrap_ioctl(int fd, unsigned long request, ...);
int __real_open(const char *path, int flags, ...);

int __wrap_open(const char *path, int flags, ...)
{
	return __real_open(strcmp(path, "/dev/kvm") == 0 ? "/dev/null" : path, flags, 0);
}

static int enable(const struct kvm_enable_cap *cap)
{
	kvm.asked++;
	if (cap->cap == KVM_CAP_X86_BUS_LOCK_EXIT)
		kvm.bus_lock_on = cap->args[0];
	else if (cap->cap == KVM_CAP_X86_NOTIFY_VMEXIT)
		kvm.notify_on = cap->args[0];
	errno = EINVAL;
	return cap->cap == kvm.refused ? -1 : 0;
}

int __wrap_ioctl(int fd, unsigned long request, ...)
{
	va_list ap;
	uintptr_t arg;

	va_start(ap, request);
	arg = va_arg(ap, uintptr_t);
	va_end(ap);
	switch (request) {
	case KVM_GET_API_VERSION:
		return KVM_API_VERSION;
	case KVM_CREATE_VM:
		return dup(fd);
	case KVM_CHECK_EXTENSION:
		return arg == KVM_CAP_X86_BUS_LOCK_EXIT   ? kvm.bus_lock
		       : arg == KVM_CAP_X86_NOTIFY_VMEXIT ? kvm.notify
							  : 1;
	case KVM_ENABLE_CAP:
		return enable((const struct kvm_enable_cap *)arg);
	default:
		return 0;
	}
}

static void guards_are_set_where_kvm_has_them(void **state)
{
	static const struct {
		int bus_lock, notify;
		uint64_t bus_lock_on, notify_on;
	} cases[] = {
		{ 0, 0, 0, 0 },
		{ KVM_BUS_LOCK_DETECTION_OFF | KVM_BUS_LOCK_DETECTION_EXIT, 0, KVM_BUS_LOCK_DETECTION_EXIT, 0 },
		{ KVM_BUS_LOCK_DETECTION_OFF, KVM_X86_NOTIFY_VMEXIT_ENABLED | KVM_X86_NOTIFY_VMEXIT_USER, 0,
			KVM_X86_NOTIFY_VMEXIT_ENABLED },
		{ -1, -1, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err err = ERR_INIT;
		struct machine m;

		memset(&kvm, 0, sizeof(kvm));
		kvm.bus_lock = cases[i].bus_lock;
		kvm.notify = cases[i].notify;
		assert_int_equal(machine_init(&m, VM_MEM_MIN, &err), 0);
		assert_int_equal(kvm.bus_lock_on, cases[i].bus_lock_on);
		assert_int_equal(kvm.notify_on, cases[i].notify_on);
		assert_int_equal(kvm.asked, !!cases[i].bus_lock_on + !!cases[i].notify_on);
		machine_done(&m);
	}
}

static void a_guard_that_is_refused_is_an_error(void **state)
{
	struct err err = ERR_INIT;
	struct machine m;

	(void)state;
	memset(&kvm, 0, sizeof(kvm));
	kvm.notify = KVM_X86_NOTIFY_VMEXIT_ENABLED;
	kvm.refused = KVM_CAP_X86_NOTIFY_VMEXIT;
	assert_int_equal(machine_init(&m, VM_MEM_MIN, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "KVM_CAP_X86_NOTIFY_VMEXIT"));
}

static void a_made_machine_has_no_kvm(void **state)
{
	struct err err = ERR_INIT;
	struct machine m;
	int kvm_fd;

	(void)state;
	memset(&kvm, 0, sizeof(kvm));
	assert_int_equal(machine_init(&m, VM_MEM_MIN, &err), 0);
	kvm_fd = m.kvm_fd;
	machine_made(&m);
	assert_int_equal(fcntl(kvm_fd, F_GETFD), -1);
	assert_true(fcntl(m.vm_fd, F_GETFD) >= 0);
	machine_done(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(guards_are_set_where_kvm_has_them),
		cmocka_unit_test(a_guard_that_is_refused_is_an_error),
		cmocka_unit_test(a_made_machine_has_no_kvm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
