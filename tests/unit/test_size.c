/* SPDX-License-Identifier: Apache-2.0 */
/* The size of a container's VM, and which annotations count for it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "life/annotation.h"
#include "life/size.h"

#define CONFIG(x) "{\"ociVersion\":\"1.2.0\",\"root\":{\"path\":\"rootfs\"}," x "}"
#define RESOURCES(x) CONFIG("\"linux\":{\"resources\":{" x "}}")
#define CPU(x) RESOURCES("\"cpu\":{" x "}")
#define LIMIT(n) "\"linux\":{\"resources\":{\"memory\":{\"limit\":" n "}}}"
#define MEMORY(n) "\"annotations\":{\"org.vmrunc.memory\":\"" n "\"}"
#define VCPUS(n) "\"annotations\":{\"org.vmrunc.vcpus\":\"" n "\"}"
#define OVERHEAD (100 * MIB)

/* Settings with round numbers, which let the annotations of both sizes count if @allow. */
static struct settings settings(bool allow)
{
	struct settings s = { .memory_mib = 512, .vcpus = 1, .guest_overhead_mib = 100 };

	s.annotations[SETTINGS_ANNOTATION_MEMORY] = s.annotations[SETTINGS_ANNOTATION_VCPUS] = allow;
	return s;
}

/* Sizes the VM of @json on @host. Returns the number of warnings. */
static size_t size(const char *json, bool allow, const struct size_host *host, struct vm_config *vm)
{
	const struct settings s = settings(allow);
	autospec struct spec *spec = NULL;
	struct warnings warnings = WARNINGS_INIT;
	struct err err = ERR_INIT;
	size_t n;

	if (spec_parse("c.json", json, strlen(json), &spec, NULL, &err) < 0)
		fail_msg("%s: %s", json, err.msg);
	annotations_warn(&s, spec, &warnings);
	if (size_vm(&s, spec, host, OVERHEAD, vm, &warnings, &err) < 0)
		fail_msg("%s: %s", json, err.msg);
	n = warnings.n;
	warnings_done(&warnings);
	return n;
}

static void test_vcpus(void **state)
{
	static const struct {
		const char *json;
		unsigned int want; /* of a host with 8 CPUs */
	} cases[] = {
		{ CONFIG("\"hostname\":\"x\""), 1 },
		{ CPU("\"quota\":1000,\"period\":100000"), 1 },
		{ CPU("\"quota\":100000,\"period\":100000"), 1 },
		{ CPU("\"quota\":100001,\"period\":100000"), 2 },
		{ CPU("\"quota\":150000"), 2 },
		{ CPU("\"quota\":250000,\"period\":100000"), 3 },
		{ CPU("\"quota\":-1,\"period\":100000"), 1 },
		{ CPU("\"quota\":0"), 1 },
		{ CPU("\"quota\":9000000,\"period\":100000"), 8 },
		{ CPU("\"quota\":9223372036854775807,\"period\":1000"), 8 },
		{ CPU("\"cpus\":\"0-2\""), 3 },
		{ CPU("\"cpus\":\"0\",\"quota\":400000"), 1 },
		{ CPU("\"cpus\":\"0-6\",\"quota\":150000"), 2 },
		{ RESOURCES("\"unified\":{\"cpu.max\":\"150000 100000\"}"), 2 },
		{ RESOURCES("\"unified\":{\"cpu.max\":\"max 100000\"}"), 1 },
		{ CONFIG("\"vm\":{\"kernel\":{\"path\":\"/k\"},\"hwConfig\":{\"vcpus\":5}}"), 5 },
	};
	const struct size_host host = { .memory_bytes = 8 * GIB, .memory_room = UINT64_MAX, .cpus = 8 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct vm_config vm = { 0 };

		(void)size(cases[i].json, false, &host, &vm);
		if (vm.vcpus != cases[i].want)
			fail_msg("%s: wanted %u vCPUs, got %u", cases[i].json, cases[i].want, vm.vcpus);
	}
}

static void test_memory(void **state)
{
	static const struct {
		const char *json;
		uint64_t room, want_mib; /* of a host with 8 GiB, 100 MiB of which are the VMM's */
		size_t warnings;
	} cases[] = {
		{ CONFIG("\"hostname\":\"x\""), UINT64_MAX, 512, 0 },
		{ CONFIG(LIMIT("33554432")), UINT64_MAX, 132, 0 },
		{ CONFIG(LIMIT("-1")), UINT64_MAX, 512, 0 },
		{ CONFIG(LIMIT("137438953472")), UINT64_MAX, 8092, 0 },
		{ CONFIG(LIMIT("1099511627776")), UINT64_MAX, 8092, 0 },
		{ CONFIG(LIMIT("9223372036854771712")), UINT64_MAX, 8092, 0 },
		{ CONFIG(LIMIT("9223372036854775807")), UINT64_MAX, 8092, 0 },
		{ RESOURCES("\"unified\":{\"memory.max\":\"1T\"}"), UINT64_MAX, 8092, 0 },
		{ CONFIG(LIMIT("1073741824")), 256 * MIB, 256, 0 },
		{ CONFIG("\"hostname\":\"x\""), 256 * MIB + 1, 256, 0 },
		{ CONFIG(LIMIT("1073741824")), 4096, 64, 0 },
		{ CONFIG("\"vm\":{\"kernel\":{\"path\":\"/k\"},\"hwConfig\":{\"memory\":1073741824}}"), UINT64_MAX,
			1024, 0 },
		{ CONFIG("\"vm\":{\"kernel\":{\"path\":\"/k\"},\"hwConfig\":{\"memory\":1099511627776}}"), UINT64_MAX,
			8092, 1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct size_host host = { .memory_bytes = 8 * GIB, .memory_room = cases[i].room, .cpus = 1 };
		struct vm_config vm = { 0 };
		size_t n = size(cases[i].json, false, &host, &vm);

		if (vm.mem_bytes != cases[i].want_mib * MIB || n != cases[i].warnings)
			fail_msg("%s: wanted %llu MiB and %zu warnings, got %llu and %zu", cases[i].json,
				(unsigned long long)cases[i].want_mib, cases[i].warnings,
				(unsigned long long)(vm.mem_bytes / MIB), n);
	}
}

/* An image's annotation counts where the host's settings name it, and then only within the config's limits. */
static void test_annotations(void **state)
{
	static const struct {
		const char *json;
		bool allow;
		uint64_t want_mib;
		unsigned int want_vcpus;
		size_t warnings;
	} cases[] = {
		{ CONFIG(MEMORY("20000")), false, 512, 1, 1 },
		{ CONFIG(VCPUS("4")), false, 512, 1, 1 },
		{ CONFIG(MEMORY("nonsense")), false, 512, 1, 1 },
		{ CONFIG(MEMORY("2000")), true, 2000, 1, 0 },
		{ CONFIG(MEMORY("20000")), true, 8092, 1, 1 },
		{ CONFIG(VCPUS("4")), true, 512, 4, 0 },
		{ CONFIG(MEMORY("20000") "," LIMIT("33554432")), true, 132, 1, 1 },
		{ CONFIG(MEMORY("100") "," LIMIT("33554432")), true, 100, 1, 0 },
		{ CONFIG(VCPUS("4") ",\"linux\":{\"resources\":{\"cpu\":{\"quota\":150000}}}"), true, 512, 2, 1 },
		{ CONFIG("\"annotations\":{\"org.vmrunc.unknown\":\"1\",\"org.other\":\"1\"}"), true, 512, 1, 1 },
	};
	const struct size_host host = { .memory_bytes = 8 * GIB, .memory_room = UINT64_MAX, .cpus = 8 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct vm_config vm = { 0 };
		size_t n = size(cases[i].json, cases[i].allow, &host, &vm);

		if (vm.mem_bytes != cases[i].want_mib * MIB || vm.vcpus != cases[i].want_vcpus ||
			n != cases[i].warnings)
			fail_msg("%s: got %llu MiB, %u vCPUs, %zu warnings", cases[i].json,
				(unsigned long long)(vm.mem_bytes / MIB), vm.vcpus, n);
	}
}

static void test_files(void **state)
{
	static const struct {
		uint64_t overhead_mib, ram_mib, want_mib;
	} cases[] = {
		{ 96, 512, 70 },
		{ 96, 2048, 64 },
		{ 1024, 2048, 992 },
		{ 24, 256, 0 },
		{ 16, 65536, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint64_t bytes = size_files(cases[i].overhead_mib * MIB, cases[i].ram_mib * MIB);

		assert_int_equal(bytes / MIB, cases[i].want_mib);
		assert_true(bytes > 0); /* 0 would be no bound */
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vcpus),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_annotations),
		cmocka_unit_test(test_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
