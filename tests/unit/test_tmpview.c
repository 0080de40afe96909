/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The container's tmpfs for readers on the host, with the agent and the host's kernel at the two ends. test_tmpview_lies has a
 * guest that says what it likes.
 */
#include "monitor/tmpview.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent_rig.h"
#include "base/fd.h"

struct shown {
	struct commands commands;
	struct tmpview *view;
	int fd;
	char at[128];
};

static struct shown shown = { .fd = -1 };
static bool own_mounts; /* of this process, so that nothing of a view is left when it ends, however it does */
static pid_t reader;

static void on_reader(void *arg, uint32_t events)
{
	(void)arg;
	(void)events;
	loop_stop(rig.loop);
}

/* Runs the shell's @script in the directory of @s, while the loop serves it: its exit code, and its output in @out. */
static int run_reader(const struct shown *s, const char *script, char *out, size_t size)
{
	struct watch *watch;
	size_t len = 0;
	ssize_t n;
	int ends[2], status;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	reader = fork();
	assert_true(reader >= 0);
	if (reader == 0) {
		if (dup2(ends[1], 1) < 0 || dup2(ends[1], 2) < 0 || chdir(s->at) < 0)
			_exit(99);
		(void)execl("/bin/sh", "sh", "-euc", script, NULL);
		_exit(98);
	}
	fd_close(ends[1]);
	assert_int_equal(fd_set_nonblock(ends[0], true), 0);
	assert_int_equal(watch_new(rig.loop, ends[0], EPOLLIN, on_reader, NULL, &watch), 0);
	for (;;) {
		assert_int_equal(timer_set(rig.timeout, 60000), 0);
		n = read(ends[0], out + len, size - 1 - len);
		if (n == 0)
			break;
		if (n > 0)
			len += (size_t)n;
		else
			assert_int_equal(loop_run(rig.loop), 0);
	}
	out[len] = '\0';
	watch_free(watch);
	fd_close(ends[0]);
	assert_int_equal(waitpid(reader, &status, 0), reader);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Skips the test, in words, where this process may have no mounts of its own, or the host has no FUSE for it. */
static void need_fuse(void)
{
	int fd;

	rig_need_root();
	if (!own_mounts) {
		print_message("no mount namespace for the view: %s\n", strerror(EPERM));
		skip();
	}
	fd = open("/dev/fuse", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 && (errno == ENOENT || errno == ENODEV || errno == ENXIO || errno == EPERM || errno == EACCES)) {
		print_message("/dev/fuse: %s\n", strerror(errno));
		skip();
	}
	if (fd < 0)
		fail_msg("/dev/fuse: %s", strerror(errno));
	fd_close(fd);
}

/* Starts the container, whose tmpfs at /t is shown, in a user namespace if @users, and mounts its view. */
static void show(struct shown *s, const char *script, bool users)
{
	static struct guest_idmap map[] = { { 0, 100000, 65536 } };
	char options[128];

	box_init(&box, script);
	if (users) {
		box.c.ns[GUEST_NS_USER].mode = GUEST_NS_NEW;
		box.c.uids = box.c.gids = (struct guest_idmaps){ 1, map };
		rig_in_rootfs("chown -R 100000:100000 .");
	}
	box_mount(&box, (struct guest_mount){ .kind = GUEST_MOUNT_FS,
				.source = "tmpfs",
				.destination = "/t",
				.fstype = "tmpfs",
				.data = "mode=1777,size=8m",
				.shown = true });
	for (size_t i = 0; i < ARRAY_LEN(box.c.process.caps); i++)
		box.c.process.caps[i] |= 1ull << CAP_SYS_ADMIN;
	assert_int_equal(box_create(&box, true), 0);
	s->fd = open("/dev/fuse", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	assert_true(s->fd >= 0);
	(void)snprintf(s->at, sizeof(s->at), "%s/view", rig.dir);
	assert_int_equal(mkdir(s->at, 0755), 0);
	(void)snprintf(options, sizeof(options),
		"fd=%d,rootmode=40755,user_id=0,group_id=0,allow_other,default_permissions,max_read=65536", s->fd);
	assert_int_equal(mount("vmrunc", s->at, "fuse", MS_NOSUID | MS_NODEV | MS_NOEXEC, options), 0);
	s->commands = (struct commands){ .guest = rig.guest, .serving = true };
	assert_int_equal(
		tmpview_new(
			&(struct tmpview_config){
				.fds = &s->fd, .len = 1, .cid = box.c.cid, .commands = &s->commands, .loop = rig.loop },
			&s->view),
		0);
	box_start(&box);
}

static void hide(struct shown *s)
{
	fd_close(box.in);
	box.in = -1;
	box_wait_exit(&box);
	box_read(&box);
	box_delete(&box);
	assert_int_equal(umount2(s->at, MNT_DETACH), 0);
	tmpview_free(s->view);
	fd_close(steal_fd(&s->fd));
	assert_int_equal(rmdir(s->at), 0);
}

/* A test that has failed leaves the mount, which nobody serves any more. */
static int end(void **state)
{
	if (shown.fd >= 0) {
		(void)umount2(shown.at, MNT_DETACH);
		fd_close(steal_fd(&shown.fd));
	}
	return rig_teardown(state);
}

static char out[65536];

static void expect(const struct shown *s, const char *script, const char *want)
{
	int code = run_reader(s, script, out, sizeof(out));

	if (code != 0 || strcmp(out, want) != 0)
		fail_msg("%s: exit code %d, got \"%s\", wanted \"%s\"", script, code, out, want);
}

static void both_sides_see_the_same_files(void **state)
{
	struct shown *s = &shown;

	(void)state;
	need_fuse();
	show(s,
		"cd /t; echo inside >a; ln -s a link; mkdir d; chmod 700 d; : >go; read x; "
		"cat b d/c; stat -c '%n %a %u:%g %F %s' * d/*; readlink l2; cat h",
		false);
	expect(s,
		"until rm go 2>/dev/null; do sleep 0.02; done; cat a link; readlink link; stat -c '%n %a %u:%g %F' . a d; ls -A | tr '\\n' ' '",
		"inside\ninside\na\n. 1777 0:0 directory\na 644 0:0 regular file\nd 700 0:0 directory\na d link ");
	expect(s,
		"echo from the host >b; umask 077; echo c >d/c; chown 5:6 d/c; chmod 4755 d/c; ln -s /etc/x l2; ln b h; "
		"mkdir e; mv e f; mkfifo p; printf more >>b; cat h; stat -c %h b; touch -d @1000.5 b; stat -c %.2Y b",
		"from the host\nmore2\n1000.50\n");
	expect(s, "cd d; pwd -P | sed 's,.*/,,'; mkdir -p x/y/z; cd x/y; ls -A; cd ../..; rm -r x; ls -A", "d\nz\nc\n");
	expect(s,
		"dd if=/dev/urandom of=big bs=1M count=3 status=none; cp big big2; cmp big big2; stat -c %s big2; "
		"truncate -s 100000 big2; stat -c %s big2; cmp -n 100000 big big2; rm big big2",
		"3145728\n100000\n");
	expect(s,
		"i=0; mkdir m; while [ $i -lt 1000 ]; do : >m/$i; i=$((i+1)); done; ls m | wc -l; tar cf - m | tar tf - | wc -l; "
		"rm -r m; ls -A | wc -l; df --output=fstype,size . | tail -1 | tr -s ' '",
		"1000\n1001\n8\nfuse 8192\n");
	/* a file without a name is there for as long as it is open */
	expect(s,
		"exec 3<>x; rm x; echo gone >&3; stat -L -c '%h %s' /dev/fd/3; truncate -s 3 /dev/fd/3; cat /dev/fd/3",
		"0 5\ngon");
	/* errors are the file system's own */
	assert_int_not_equal(run_reader(s,
				     "LC_ALL=C; export LC_ALL; ! mkdir a; ! rmdir d; ! cat nosuch; ! cat d; "
				     "dd if=/dev/zero of=full bs=1M count=20",
				     out, sizeof(out)),
		0);
	rig_expect_in(out, "'a': File exists");
	rig_expect_in(out, "'d': Directory not empty");
	rig_expect_in(out, "nosuch: No such file or directory");
	rig_expect_in(out, "d: Is a directory");
	rig_expect_in(out, "No space left on device");
	expect(s, "rm full", "");
	assert_int_equal(write(box.in, "\n", 1), 1);
	hide(s);
	rig_expect_in(box.text[0], "from the host\nmorec\n");
	rig_expect_in(box.text[0], "d/c 4755 5:6 regular file 2\n");
	rig_expect_in(box.text[0], "b 644 0:0 regular file 18\n");
	rig_expect_in(box.text[0], "p 600 0:0 fifo 0\n");
	rig_expect_in(box.text[0], "/etc/x\nfrom the host\nmore");
}

static void rights_are_those_of_who_asks(void **state)
{
	struct shown *s = &shown;

	(void)state;
	need_fuse();
	show(s, "cd /t; echo x >a; mkdir d; chmod 700 d; echo c >d/c; : >go; read x", false);
	expect(s, "until rm go 2>/dev/null; do sleep 0.02; done", "");
	/* who makes a file owns it, and may do what its owner may */
	expect(s,
		"setpriv --reuid=1000 --regid=1001 --clear-groups sh -euc 'umask 022; : >u; mkdir -m 2775 ud; ln -s x ul; "
		": >u; ! cat d/c 2>/dev/null; ! truncate -s 1 a 2>/dev/null; ! rm a 2>/dev/null; chmod 640 u'; chgrp 7 ud; chmod g+s ud; "
		"setpriv --reuid=1000 --regid=1001 --clear-groups sh -euc 'cd ud; : >v; mkdir w'; "
		"stat -c '%n %u:%g %a' u ud ul ud/v ud/w; rm -r u ud ul",
		"u 1000:1001 640\nud 1000:7 2775\nul 1000:1001 777\nud/v 1000:7 644\nud/w 1000:7 2755\n");
	/* attributes of a file, of those that are served, and what a write takes away */
	expect(s,
		"umask 000; : >x; chmod 6755 x; chmod o+w x; python3 -c 'import os, struct\n"
		"cap = struct.pack(\"<5I\", 0x02000001, 1 << 10, 0, 0, 0)\n"
		"os.setxattr(\"x\", \"security.capability\", cap)\n"
		"print(os.listxattr(\"x\"), os.getxattr(\"x\", \"security.capability\") == cap)\n"
		"try: os.setxattr(\"x\", \"trusted.x\", b\"v\")\n"
		"except OSError as e: print(e.strerror)\n"
		"try: os.getxattr(\"a\", \"security.capability\")\n"
		"except OSError as e: print(e.strerror)'; "
		"setpriv --reuid=1000 --regid=1001 --clear-groups dd if=/dev/null of=x conv=notrunc status=none; stat -c %a x; "
		"setpriv --reuid=1000 --regid=1001 --clear-groups sh -c 'echo 1 1<>x >&1'; stat -c %a x; "
		"python3 -c 'import os; print(os.listxattr(\"x\"))'; rm x",
		"['security.capability'] True\nOperation not supported\nNo data available\n6757\n757\n[]\n");
	assert_int_equal(write(box.in, "\n", 1), 1);
	hide(s);
}

/* What the container mounts and unmounts is not seen, and is not in the way. */
static void the_container_cannot_lead_the_reader_away(void **state)
{
	struct shown *s = &shown;

	(void)state;
	need_fuse();
	show(s,
		"cd /t; mkdir d; echo real >d/f; ln -s / root; busybox mount -t tmpfs x d; echo false >d/f; "
		"busybox mount -t tmpfs x /t; : >/t/false; cd /; busybox umount /t; busybox umount -l /t; "
		"[ -e /t/d ] || echo unmounted; : >/over; read x",
		false);
	expect(s,
		"until rm ../private/c/rootfs/over 2>/dev/null; do sleep 0.02; done; ls -A | tr '\\n' ' '; cat d/f; readlink root; "
		"echo new >d/g; ls d | tr '\\n' ' '",
		"d root real\n/\nf g ");
	assert_int_equal(write(box.in, "\n", 1), 1);
	hide(s);
	rig_expect_in(box.text[0], "unmounted\n");
}

/* The host sees the numbers of users that it knows, and who has none in the container makes nothing there. */
static void users_have_their_numbers_on_the_host(void **state)
{
	struct shown *s = &shown;

	(void)state;
	need_fuse();
	show(s, "cd /t; echo x >a; chown 5:6 a; : >go; read x; busybox stat -c '%n %u:%g' b d l", true);
	expect(s,
		"until rm go 2>/dev/null; do sleep 0.02; done; stat -c '%n %u:%g' a; { echo no >b; } 2>&1 | grep -o 'too large'; "
		"setpriv --reuid=100007 --regid=100008 --clear-groups sh -euc 'echo y >b; mkdir d; ln -s b l'; "
		"chown -h 100009 l; stat -c '%n %u:%g' b d l",
		"a 100005:100006\ntoo large\nb 100007:100008\nd 100007:100008\nl 100009:100008\n");
	assert_int_equal(write(box.in, "\n", 1), 1);
	hide(s);
	box_expect_out(&box, "b 7:8\nd 7:8\nl 9:8\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(both_sides_see_the_same_files, rig_setup, end),
		cmocka_unit_test_setup_teardown(rights_are_those_of_who_asks, rig_setup, end),
		cmocka_unit_test_setup_teardown(the_container_cannot_lead_the_reader_away, rig_setup, end),
		cmocka_unit_test_setup_teardown(users_have_their_numbers_on_the_host, rig_setup, end),
	};

	own_mounts = unshare(CLONE_NEWNS) == 0;
	if (own_mounts ? mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 : errno != EPERM) {
		perror("cannot keep mounts to this process");
		return 1;
	}
	rig_begin();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
