/* SPDX-License-Identifier: Apache-2.0 */
/* The agent without a virtual machine (tests/unit/agent_rig.h): what a container is made of. */
#include <errno.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/mount.h>
#include <linux/seccomp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "agent_rig.h"

static void has_namespaces_of_its_own(void **state)
{
	(void)state;
	rig_need_root();
	box_init(&box, "echo $$ $(busybox hostname) $HOME; busybox readlink /proc/1/exe");
	assert_int_equal(WEXITSTATUS(box_run(&box)), 0);
	box_expect_out(&box, "1 boxed /root\n/bin/busybox\n");
}

static void mounts_as_told(void **state)
{
	static uint32_t shared = MS_SHARED;

	(void)state;
	rig_need_root();
	box_init(&box, "cd /bound && cat file && (echo x > new) 2>/dev/null || echo read-only; cat /etc/hosts; echo;"
		       "echo no > /etc/hosts; busybox grep -E ' /(bound|etc/hosts|up) ' /proc/self/mountinfo;"
		       "cat /up/inner; busybox stat -c %a /up; busybox ls /real/in; busybox ls -d /escape 2>&1");
	box_mount(&box, (struct guest_mount){ .kind = GUEST_MOUNT_BIND_SHARED,
				.source = "c/0/data",
				.destination = "/bound",
				.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID });
	box_mount(&box, (struct guest_mount){
				.kind = GUEST_MOUNT_BIND_SHARED, .source = "c/1/hosts", .destination = "/etc/hosts" });
	box_mount(&box, (struct guest_mount){ .kind = GUEST_MOUNT_FS,
				.source = "tmpfs",
				.destination = "/up",
				.fstype = "tmpfs",
				.tmpcopyup = true,
				.propagation = { 1, &shared } });
	box_mount(&box,
		(struct guest_mount){
			.kind = GUEST_MOUNT_FS, .source = "t", .destination = "/out/in/deep", .fstype = "tmpfs" });
	rig_in_rootfs("mkdir -m 0711 up && echo copied >up/inner && ln -s ../../../../real out");
	(void)box_run(&box);
	rig_expect_in(box.text[0], "from outsideread-only\n127.0.0.1 me\n");
	rig_expect_in(box.text[0], "/c/0/data /bound ro,nosuid");
	rig_expect_in(box.text[0], "/c/1/hosts /etc/hosts rw");
	rig_expect_in(box.text[0], " / /up rw,relatime shared:");
	rig_expect_in(box.text[0], "copied\n711\ndeep\n");
}

static void a_readonly_tmpfs_takes_mounts_first(void **state)
{
	(void)state;
	rig_need_root();
	box_init(&box, "busybox touch /ro/x 2>/dev/null || echo sealed; busybox touch /ro/in/x && echo open");
	box_mount(&box, (struct guest_mount){ .kind = GUEST_MOUNT_FS,
				.source = "tmpfs",
				.destination = "/ro",
				.fstype = "tmpfs",
				.attr_set = MOUNT_ATTR_RDONLY });
	box_mount(&box, (struct guest_mount){
				.kind = GUEST_MOUNT_FS, .source = "t", .destination = "/ro/in", .fstype = "tmpfs" });
	assert_int_equal(WEXITSTATUS(box_run(&box)), 0);
	box_expect_out(&box, "sealed\nopen\n");
}

static void restricts_paths(void **state)
{
	static const char *masked[] = { "/masked", "/etc/noexec", "/not/there", "/proc/tty", "/masked" };
	static const char *readonly[] = { "/w", "/proc/sys" };

	(void)state;
	rig_need_root();
	box_init(&box,
		"busybox ls -A /masked; cat /etc/noexec; for f in /w/f /proc/sys/kernel/hostname /f /masked/f;"
		" do (echo x > $f) 2>/dev/null && echo wrote $f; done; busybox grep -c ' /masked ' /proc/mounts; "
		"test $(busybox stat -c %d /masked) = $(busybox stat -c %d /proc/tty) && echo done");
	box.c.masked = (struct guest_strings){ 5, masked };
	box.c.readonly_paths = (struct guest_strings){ 2, readonly };
	box.c.readonly = true;
	assert_int_equal(WEXITSTATUS(box_run(&box)), 0);
	box_expect_out(&box, "1\ndone\n"); /* one mount of a path that is named twice, and one file system for all */
}

static void makes_devices(void **state)
{
	(void)state;
	rig_need_root();
	box_init(&box, "cd /dev && busybox stat -c '%n %F %a %u:%g' null sub/fifo; for l in fd stdin ptmx; do busybox "
		       "readlink $l; done; echo x > null");
	assert_int_equal(WEXITSTATUS(box_run(&box)), 0);
	box_expect_out(&box, "null character special file 666 0:0\nsub/fifo fifo 640 1000:5\n"
			     "/proc/self/fd\n/proc/self/fd/0\npts/ptmx\n");
}

static void becomes_its_user(void **state)
{
	static uint32_t groups[] = { 5, 70000 };

	(void)state;
	rig_need_root();
	box_init(&box, "busybox id -u; busybox id -g; busybox id -G; umask; pwd; echo $HOME;"
		       "busybox grep -E '^(Cap|NoNew)' /proc/self/status; ulimit -n; echo ok > /dev/stdout");
	box.c.process.uid = 1000;
	box.c.process.gid = 1001;
	box.c.process.groups = (struct guest_ids){ 2, groups };
	box.c.process.umask = 027;
	box.c.process.cwd = "/made/here";
	box.c.process.no_new_privs = true;
	box.c.process.caps[GUEST_CAP_BOUNDING] = 0x21;
	box.c.process.caps[GUEST_CAP_PERMITTED] = 0x21;
	box.c.process.caps[GUEST_CAP_EFFECTIVE] = 0x01;
	box.c.process.caps[GUEST_CAP_INHERITABLE] = 0x20;
	box.c.process.caps[GUEST_CAP_AMBIENT] = 0x20;
	box.c.process.rlimits = (struct guest_rlimits){ 1, &(struct guest_rlimit){ RLIMIT_NOFILE, 123, 456 } };
	assert_int_equal(WEXITSTATUS(box_run(&box)), 0);
	box_expect_out(&box, "1000\n1001\n1001 5 70000\n0027\n/made/here\n/home/u\n"
			     "CapInh:\t0000000000000020\nCapPrm:\t0000000000000020\nCapEff:\t0000000000000020\n"
			     "CapBnd:\t0000000000000021\nCapAmb:\t0000000000000020\nNoNewPrivs:\t1\n123\nok\n");
}

static void seccomp_filter(void **state, bool no_new_privs)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0), /* the number of the call */
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mkdir, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 95),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};

	(void)state;
	box_init(&box, "busybox mkdir /w/x 2>/dev/null || echo refused");
	box.c.process.no_new_privs = no_new_privs;
	box.c.process.seccomp = (struct guest_blob){ sizeof(filter), filter };
	assert_int_equal(WEXITSTATUS(box_run(&box)), 0);
	box_expect_out(&box, "refused\n");
}

static void runs_start_hooks(void **state)
{
	const char *args[2][3];
	struct guest_hook list[2];

	(void)state;
	rig_need_root();
	box_init(&box, "busybox cat /w/state; busybox cat /w/second");
	box_hook(&box, list, args[0], "busybox cat > /w/state; echo $A >> /w/state", 0);
	list[0].env = (struct guest_strings){ 1, (const char *[]){ "A=b" } };
	box_hook(&box, list, args[1], "test -s /w/state && busybox id -u > /w/second", 60);
	assert_int_equal(box_run(&box), 0);
	box_expect_out(&box, "{\"pid\":1,\"id\":\"x\"}b\n0\n");
}

static void ends_with_a_failed_start_hook(void **state)
{
	static const struct {
		const char *script, *msg;
		uint32_t timeout_s;
	} cases[] = {
		{ "echo why >&2; exit 3",
			"error running startContainer hook #0: hooks.startContainer[0]: \"/bin/sh\" failed with exit "
			"status 3: why",
			0 },
		{ "exec busybox sleep 1000",
			"error running startContainer hook #0: hooks.startContainer[0]: \"/bin/sh\" did not end within "
			"1 s",
			1 },
		/* the hook kills its process, which then cannot execute its program */
		{ "kill -9 $PPID", "the process died before it executed its program", 0 },
	};
	const char *args[3];
	struct guest_hook list[1];
	struct err err = ERR_INIT;

	(void)state;
	rig_need_root();
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		box_init(&box, "echo must not run");
		/* with a pid namespace it would be process 1, which nothing inside can kill */
		box.c.ns[GUEST_NS_PID].mode = GUEST_NS_VM;
		box_hook(&box, list, args, cases[i].script, cases[i].timeout_s);
		if (box_create(&box, false) != 0)
			fail_msg("create: %s", rig.err.msg);
		assert_int_equal(guest_start(rig.guest, box.c.process.id, rig_on_done, &rig, &err), 0);
		assert_int_not_equal(rig_answer(), 0);
		if (strcmp(rig.err.msg, cases[i].msg) != 0)
			fail_msg("wanted \"%s\", got \"%s\"", cases[i].msg, rig.err.msg);
		box_wait_exit(&box);
		box_read(&box);
		box_expect_out(&box, "");
		box_delete(&box);
	}
}

static void filters_system_calls(void **state)
{
	rig_need_root();
	seccomp_filter(state, true);
	seccomp_filter(state, false);
}

static void has_a_terminal(void **state)
{
	(void)state;
	rig_need_root();
	box_init(&box, "busybox tty; busybox stty size; busybox tty < /dev/console; echo hi > /dev/tty; test -t 0 -a "
		       "-t 2; echo $?");
	box.devices[1] = (struct guest_device){ "/dev/tty", S_IFCHR | 0666, 5, 0, 0, 0 };
	box.c.process.terminal = true;
	box.c.process.rows = 33;
	box.c.process.cols = 111;
	assert_int_equal(WEXITSTATUS(box_run(&box)), 0);
	rig_expect_in(box.text[0], "/dev/pts/0\r\n33 111\r\n");
	rig_expect_in(box.text[0], "hi\r\n0\r\n");
}

static void maps_users(void **state)
{
	static struct guest_idmap map[] = { { 0, 100000, 65536 } };

	(void)state;
	rig_need_root();
	box_init(&box, "busybox id -u; cat /proc/self/uid_map; busybox stat -c '%F %u' /dev/null /dev/pts;"
		       "echo again > /dev/stdout");
	box.c.ns[GUEST_NS_USER].mode = GUEST_NS_NEW;
	box.c.uids = box.c.gids = (struct guest_idmaps){ 1, map };
	box.c.devices.len = 1;
	rig_in_rootfs("chown -R 100000:100000 .");
	assert_int_equal(WEXITSTATUS(box_run(&box)), 0);
	box_expect_out(&box, "0\n         0     100000      65536\ncharacter special file 0\ndirectory 0\nagain\n");
}

/* Two sysctls of the container's ipc namespace, their names written in both ways. */
static void sets_sysctls(void **state)
{
	static struct guest_value values[] = { { "kernel.msgmax", "4321" }, { "kernel/shmmni", "1234" } };
	static struct guest_value wrong[] = { { "../../etc/passwd", "x" } };

	(void)state;
	rig_need_root();
	box_init(&box, "cat /proc/sys/kernel/msgmax /proc/sys/kernel/shmmni");
	box.c.sysctl = (struct guest_values){ 2, values };
	assert_int_equal(WEXITSTATUS(box_run(&box)), 0);
	box_expect_out(&box, "4321\n1234\n");
	box_init(&box, "");
	box.c.sysctl = (struct guest_values){ 1, wrong };
	assert_int_equal(box_create(&box, false), EINVAL);
	box_read(&box);
}

static void shifts_time(void **state)
{
	(void)state;
	rig_need_root();
	box_init(&box, "read up rest < /proc/uptime; test ${up%.*} -gt 100000000 && echo shifted");
	box.c.ns[GUEST_NS_TIME].mode = GUEST_NS_NEW;
	box.c.has_boottime = true;
	box.c.boottime_s = 100000000;
	assert_int_equal(WEXITSTATUS(box_run(&box)), 0);
	box_expect_out(&box, "shifted\n");
}

static void refuses_what_cannot_be(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	rig_need_root();
	box_init(&box, "");
	box_mount(&box, (struct guest_mount){ .kind = GUEST_MOUNT_FS,
				.source = "x",
				.destination = "/x",
				.fstype = "tmpfs",
				.data = "size=banana" });
	assert_int_not_equal(box_create(&box, false), 0);
	rig_expect_in(rig.err.msg, "mount \"/x\": tmpfs");
	box_read(&box);
	box_init(&box, "");
	box_mount(&box,
		(struct guest_mount){ .kind = GUEST_MOUNT_BIND_SHARED, .source = "c/9/gone", .destination = "/x" });
	assert_int_equal(box_create(&box, false), ENOENT);
	rig_expect_in(rig.err.msg, "mount \"/x\": source \"c/9/gone\"");
	box_read(&box);
	box_init(&box, "");
	rig_in_rootfs("ln -sfn .. to-root");
	box_mount(&box, (struct guest_mount){
				.kind = GUEST_MOUNT_FS, .source = "t", .destination = "/to-root", .fstype = "tmpfs" });
	assert_int_equal(box_create(&box, false), EBUSY);
	rig_expect_in(rig.err.msg, "mount \"/to-root\": this is the root itself, which nothing can cover");
	box_read(&box);
	box_init(&box, "");
	box.c.cid = "../x";
	assert_int_equal(box_create(&box, false), EINVAL);
	box_read(&box);
	assert_int_equal(guest_delete(rig.guest, "nobody", rig_on_done, &rig, &err), 0);
	assert_int_equal(rig_answer(), ENOENT);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		in_a_rig(has_namespaces_of_its_own),
		in_a_rig(mounts_as_told),
		in_a_rig(a_readonly_tmpfs_takes_mounts_first),
		in_a_rig(restricts_paths),
		in_a_rig(makes_devices),
		in_a_rig(becomes_its_user),
		in_a_rig(runs_start_hooks),
		in_a_rig(ends_with_a_failed_start_hook),
		in_a_rig(filters_system_calls),
		in_a_rig(has_a_terminal),
		in_a_rig(maps_users),
		in_a_rig(sets_sysctls),
		in_a_rig(shifts_time),
		in_a_rig(refuses_what_cannot_be),
	};

	rig_begin();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
