/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of the ACPI tables, by their structure and by iasl where it is installed; and of CPUID. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/fd.h"
#include "vm/kvm/x86/acpi.h"
#include "vm/kvm/x86/cpuid.h"
#include "vm/machine/layout.h"
#include "vm/machine/machine.h"

#define GPA 0xe0000u

struct tables {
	struct acpi_device devices[LAYOUT_VIRTIO_MAX];
	struct buf blob;
};

static void build(struct tables *t, unsigned int vcpus, unsigned int devices)
{
	struct acpi_platform p = { .vcpus = vcpus, .devices = t->devices, .devices_len = devices };

	for (unsigned int i = 0; i < devices; i++)
		t->devices[i] = (struct acpi_device){ (uint32_t)LAYOUT_VIRTIO_GPA(i), LAYOUT_VIRTIO_SIZE,
			LAYOUT_VIRTIO_GSI(i) };
	t->blob = (struct buf)BUF_INIT;
	assert_int_equal(acpi_build(&p, GPA, &t->blob), 0);
}

static uint64_t get(const uint8_t *at, unsigned int len)
{
	uint64_t v = 0;

	memcpy(&v, at, len);
	return v;
}

static uint8_t sum(const uint8_t *at, size_t len)
{
	uint8_t s = 0;

	while (len-- > 0)
		s = (uint8_t)(s + *at++);
	return s;
}

/* Checks that the table at @gpa lies in the blob and has this signature and a right checksum. Returns its length. */
static const uint8_t *table(const struct tables *t, uint64_t gpa, const char *signature, uint32_t *len)
{
	const uint8_t *at;

	assert_in_range(gpa, GPA, GPA + t->blob.len - 36);
	assert_int_equal(gpa % 16, 0);
	at = (const uint8_t *)t->blob.data + (gpa - GPA);
	assert_memory_equal(at, signature, 4);
	*len = (uint32_t)get(at + 4, 4);
	assert_in_range(*len, 36, t->blob.len - (gpa - GPA));
	assert_int_equal(sum(at, *len), 0);
	return at;
}

static const uint8_t *find_fadt(const struct tables *t, uint32_t *len)
{
	const uint8_t *rsdp = (const uint8_t *)t->blob.data, *xsdt;

	assert_memory_equal(rsdp, "RSD PTR ", 8);
	assert_int_equal(sum(rsdp, 20), 0);
	assert_int_equal(sum(rsdp, 36), 0);
	assert_int_equal(rsdp[15], 2);
	assert_int_equal(get(rsdp + 16, 4), 0); /* no RSDT */
	xsdt = table(t, get(rsdp + 24, 8), "XSDT", len);
	assert_int_equal(*len, 36 + 2 * 8);
	return table(t, get(xsdt + 36, 8), "FACP", len);
}

static void the_fadt_says_what_there_is(void **state)
{
	struct tables t = { .blob = BUF_INIT };
	const uint8_t *fadt;
	uint32_t len;

	(void)state;
	build(&t, 1, 3);
	fadt = find_fadt(&t, &len);
	assert_int_equal(len, 276);
	assert_int_equal(get(fadt + 40, 4), get(fadt + 140, 8));
	assert_int_equal(get(fadt + 109, 2), 0x24); /* no VGA, no CMOS clock, no 8042 */
	assert_int_equal(get(fadt + 112, 4), 1u << 20 | 1 << 10 | 1 << 5 | 1 << 4 | 1);
	assert_int_equal(fadt[116], 1); /* system I/O */
	assert_int_equal(get(fadt + 120, 8), LAYOUT_RESET_PORT);
	assert_int_equal(fadt[128], LAYOUT_RESET_VALUE);
	assert_int_equal(get(fadt + 248, 8), LAYOUT_SLEEP_CONTROL_PORT);
	assert_int_equal(get(fadt + 260, 8), LAYOUT_SLEEP_STATUS_PORT);
	(void)table(&t, get(fadt + 140, 8), "DSDT", &len);
	buf_done(&t.blob);
}

static void the_madt_lists_every_cpu(void **state)
{
	static const unsigned int counts[] = { 1, 2, 63, 64 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
		const uint8_t *xsdt, *madt;
		struct tables t = { .blob = BUF_INIT };
		uint32_t len;

		build(&t, counts[i], LAYOUT_VIRTIO_MAX);
		xsdt = table(&t, get((const uint8_t *)t.blob.data + 24, 8), "XSDT", &len);
		madt = table(&t, get(xsdt + 44, 8), "APIC", &len);
		assert_int_equal(len, 44 + counts[i] * 8 + 12);
		assert_int_equal(get(madt + 36, 4), LAYOUT_LAPIC);
		assert_int_equal(get(madt + 40, 4), 0);
		for (unsigned int c = 0; c < counts[i]; c++) {
			const uint8_t *e = madt + 44 + c * 8;
			const uint8_t want[8] = { 0, 8, (uint8_t)c, (uint8_t)c, 1, 0, 0, 0 };

			assert_memory_equal(e, want, 8);
		}
		assert_int_equal(madt[len - 12], 1);
		assert_int_equal(get(madt + len - 8, 4), LAYOUT_IOAPIC);
		assert_true(t.blob.len < LAYOUT_HIGH_RAM - LAYOUT_ACPI);
		buf_done(&t.blob);
	}
}

/* Reads the AML package length at @at. Returns the end of the package; *@ret_body is what follows the length. */
static const uint8_t *aml_package(const uint8_t *at, const uint8_t **ret_body)
{
	unsigned int more = at[0] >> 6;
	size_t len = more ? at[0] & 0xf : at[0] & 0x3f;

	for (unsigned int i = 0; i < more; i++)
		len |= (size_t)at[1 + i] << (4 + 8 * i);
	*ret_body = at + 1 + more;
	return at + len;
}

/* Walks \_SB_ device by device; each must be as long as it says. */
static void the_dsdt_holds_every_device(void **state)
{
	static const unsigned int counts[] = { 0, 1, 2, 18, LAYOUT_VIRTIO_MAX };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
		const uint8_t *dsdt, *at, *end, *scope_end;
		struct tables t = { .blob = BUF_INIT };
		uint32_t len;

		build(&t, 1, counts[i]);
		dsdt = table(&t, get(find_fadt(&t, &len) + 140, 8), "DSDT", &len);
		end = dsdt + len;
		at = dsdt + 36;
		assert_int_equal(*at, 0x10);
		scope_end = aml_package(at + 1, &at);
		assert_memory_equal(at, "\\_SB_", 5);
		at += 5;
		for (unsigned int d = 0; d <= counts[i]; d++) { /* the last is the serial port */
			const uint8_t *body, *device_end;
			char name[8];

			assert_int_equal(at[0], 0x5b);
			assert_int_equal(at[1], 0x82);
			device_end = aml_package(at + 2, &body);
			assert_true(device_end <= scope_end);
			if (d == counts[i]) {
				assert_memory_equal(body, "COM1", 4);
			} else {
				const uint8_t *crs = device_end - 2 - 9 - 12;

				(void)snprintf(name, sizeof(name), "V%03u", d % 1000);
				assert_memory_equal(body, name, 4);
				assert_memory_equal(body + 4, "\x08_HID\x0dLNRO0005", 15);
				assert_int_equal(crs[0], 0x86);
				assert_int_equal(get(crs + 4, 4), LAYOUT_VIRTIO_GPA(d));
				assert_int_equal(get(crs + 8, 4), LAYOUT_VIRTIO_SIZE);
				assert_int_equal(crs[12], 0x89);
				assert_int_equal(crs[15], 11); /* consumer, edge, active high, shared */
				assert_int_equal(get(crs + 17, 4), LAYOUT_VIRTIO_GSI(d));
				assert_int_equal(device_end[-2], 0x79);
			}
			at = device_end;
		}
		assert_ptr_equal(at, scope_end);
		assert_memory_equal(at, "\x08_S5_\x12\x04\x01\x0a\x05", 10);
		assert_ptr_equal(at + 10, end);
		buf_done(&t.blob);
	}
}

/* Each device has one of the IOAPIC's free pins, and none more than two. */
static void lines_are_shared_by_two_at_most(void **state)
{
	unsigned int users[24] = { 0 };

	(void)state;
	for (unsigned int i = 0; i < LAYOUT_VIRTIO_MAX; i++) {
		unsigned int gsi = LAYOUT_VIRTIO_GSI(i);

		assert_in_range(gsi, LAYOUT_SERIAL_GSI + 1, ARRAY_LEN(users) - 1);
		users[gsi]++;
		assert_int_equal(users[gsi], i < 19 ? 1 : 2);
	}
}

/* iasl, a reader that is not ours, must take the DSDT and show its devices. */
static void iasl_reads_the_dsdt(void **state)
{
	char dir[] = "/tmp/test_kvm_acpi.XXXXXX", command[512], want[64];
	autofree char *text = NULL;
	struct tables t = { .blob = BUF_INIT };
	const uint8_t *dsdt;
	uint32_t len;
	FILE *f;

	(void)state;
	if (system("command -v iasl >/dev/null 2>&1") != 0) {
		print_message("skipped: iasl is not installed (acpica-tools)\n");
		skip();
	}
	build(&t, 2, LAYOUT_VIRTIO_MAX);
	dsdt = table(&t, get(find_fadt(&t, &len) + 140, 8), "DSDT", &len);
	assert_non_null(mkdtemp(dir));
	(void)snprintf(command, sizeof(command), "%s/dsdt.aml", dir);
	f = fopen(command, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(dsdt, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
	(void)snprintf(command, sizeof(command),
		"cd %s && iasl -d dsdt.aml >log 2>&1 && iasl -ve -tc dsdt.dsl >>log 2>&1", dir);
	if (system(command) != 0)
		fail_msg("iasl refuses the DSDT: see %s/log", dir);
	(void)snprintf(command, sizeof(command), "%s/dsdt.dsl", dir);
	assert_int_equal(fd_read_file(-1, command, MIB, &text, NULL), 0);
	for (unsigned int i = 0; i < LAYOUT_VIRTIO_MAX; i++) {
		(void)snprintf(want, sizeof(want), "Device (V%03u)", i);
		assert_non_null(strstr(text, want));
		(void)snprintf(
			want, sizeof(want), "0x%08X,         // Address Base", (unsigned int)LAYOUT_VIRTIO_GPA(i));
		assert_non_null(strstr(text, want));
	}
	assert_non_null(strstr(text, "Interrupt (ResourceConsumer, Edge, ActiveHigh, Exclusive"));
	assert_non_null(strstr(text, "Interrupt (ResourceConsumer, Edge, ActiveHigh, Shared"));
	assert_non_null(strstr(text, "Name (_S5, Package (0x01)"));
	assert_null(strstr(text, "Unknown"));
	(void)snprintf(command, sizeof(command), "rm -r %s", dir);
	assert_int_equal(system(command), 0);
	buf_done(&t.blob);
}

static struct kvm_cpuid2 *host_cpuid(void)
{
	static const struct kvm_cpuid_entry2 entries[] = {
		{ .function = 0, .eax = 0x1f },
		{ .function = 1, .ebx = 0x07100800, .ecx = 1u << 5 | 1u << 13, .edx = 1u << 28 },
		{ .function = 4, .index = 0, .flags = 1, .eax = 0xfc004121 },
		{ .function = 4, .index = 3, .flags = 1, .eax = 0xfc1fc163 },
		{ .function = 4, .index = 4, .flags = 1, .eax = 0 },
		{ .function = 0xa, .eax = 0x07300802 },
		{ .function = 0xb, .index = 0, .flags = 1, .eax = 1, .ebx = 2, .edx = 7 },
		{ .function = 0x80000001, .ecx = 1u << 2 | 1u << 22 | 1u << 23 },
		{ .function = 0x80000008, .eax = 0x3030, .ecx = 0x400f },
	};
	struct kvm_cpuid2 *c = calloc(1, sizeof(*c) + sizeof(entries));

	assert_non_null(c);
	c->nent = ARRAY_LEN(entries);
	memcpy(c->entries, entries, sizeof(entries));
	return c;
}

static void cpuid_shows_a_plain_topology(void **state)
{
	static const struct {
		unsigned int vcpus, bits;
	} cases[] = { { 1, 0 }, { 2, 1 }, { 3, 2 }, { 4, 2 }, { 64, 6 } };
	struct kvm_cpuid2 *host = host_cpuid();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		unsigned int n = cases[i].vcpus, last = n - 1;
		struct cpuid_shape shape = { .vcpu = last, .vcpus = n, .tsc_deadline = true };
		const struct kvm_cpuid_entry2 *e;
		struct kvm_cpuid2 *c;

		assert_int_equal(cpuid_make(host, &shape, &c), 0);
		e = cpuid_find(c, 1, 0);
		assert_int_equal(e->ebx >> 24, last);
		assert_int_equal(e->ebx >> 16 & 0xff, 1u << cases[i].bits);
		assert_int_equal(e->ebx & 0xffff, 0x0800);
		assert_int_equal(e->ecx, 1u << 31 | 1u << 24 | 1u << 21 | 1u << 13); /* no VMX */
		assert_int_equal(!!(e->edx & 1u << 28), n > 1);
		assert_int_equal(cpuid_find(c, 4, 0)->eax >> 14 & 0xfff, 0);
		assert_int_equal(cpuid_find(c, 4, 3)->eax >> 14 & 0xfff, last);
		assert_int_equal(cpuid_find(c, 4, 3)->eax >> 26, (1u << cases[i].bits) - 1);
		assert_int_equal(cpuid_find(c, 4, 4)->eax, 0);
		assert_int_equal(cpuid_find(c, 0xa, 0)->eax, 0);
		assert_int_equal(cpuid_find(c, 0x80000001, 0)->ecx & 1u << 2, 0); /* no SVM */
		assert_int_equal(cpuid_find(c, 0x80000008, 0)->ecx, last | cases[i].bits << 12);
		for (uint32_t leaf = 0xb; leaf <= 0x1f; leaf += 0x14) {
			e = cpuid_find(c, leaf, 0);
			assert_int_equal(e->eax, 0);
			assert_int_equal(e->ebx, 1);
			assert_int_equal(e->ecx, 0x100);
			e = cpuid_find(c, leaf, 1);
			assert_int_equal(e->eax, cases[i].bits);
			assert_int_equal(e->ebx, n);
			assert_int_equal(e->ecx, 0x201);
			assert_int_equal(e->edx, last);
			assert_int_equal(cpuid_find(c, leaf, 2)->ebx, 0);
		}
		free(c);
	}
	free(host);
}

static void cpuid_offers_no_deadline_timer_without_kvm(void **state)
{
	struct cpuid_shape shape = { .vcpu = 0, .vcpus = 1, .tsc_deadline = false };
	struct kvm_cpuid2 *host = host_cpuid(), *c;

	(void)state;
	assert_int_equal(cpuid_make(host, &shape, &c), 0);
	assert_int_equal(cpuid_find(c, 1, 0)->ecx & 1u << 24, 0);
	assert_null(cpuid_find(c, 0x12345678, 0));
	free(c);
	free(host);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_fadt_says_what_there_is),
		cmocka_unit_test(the_madt_lists_every_cpu),
		cmocka_unit_test(the_dsdt_holds_every_device),
		cmocka_unit_test(lines_are_shared_by_two_at_most),
		cmocka_unit_test(iasl_reads_the_dsdt),
		cmocka_unit_test(cpuid_shows_a_plain_topology),
		cmocka_unit_test(cpuid_offers_no_deadline_timer_without_kvm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
