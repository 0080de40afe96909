/* SPDX-License-Identifier: Apache-2.0 */
/* The system calls that the probe tries: those that profiles and capabilities decide about, with harmless arguments. */
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "probe.h"

static long call_socket_packet(void)
{
	return socket(AF_PACKET, SOCK_RAW, 0);
}
static long call_socket_unix(void)
{
	return socket(AF_UNIX, SOCK_STREAM, 0);
}
static long call_socket_netlink(void)
{
	return socket(AF_NETLINK, SOCK_RAW, 0);
}
static long call_mkdir(void)
{
	return syscall(SYS_mkdir, "/proc/probe", 0700);
}
static long call_chmod(void)
{
	return syscall(SYS_chmod, "/proc/none", 0700);
}
static long call_sched_yield(void)
{
	return syscall(SYS_sched_yield);
}
static long call_sysinfo(void)
{
	char buf[256];
	return syscall(SYS_sysinfo, buf);
}
static long call_times(void)
{
	return syscall(SYS_times, NULL) == -1 ? -1 : 0;
}
static long call_getpriority(void)
{
	return syscall(SYS_getpriority, 0, 0) < 0 ? -1 : 0;
}
static long call_personality_query(void)
{
	return syscall(SYS_personality, 0xffffffff) < 0 ? -1 : 0;
}
static long call_personality_linux32(void)
{
	return syscall(SYS_personality, 8) < 0 ? -1 : 0;
}
static long call_personality_big(void)
{
	return syscall(SYS_personality, 0x0440000) < 0 ? -1 : 0;
}
static long call_unshare_user(void)
{
	return syscall(SYS_unshare, 0x10000000);
}
static long call_unshare_mount(void)
{
	return syscall(SYS_unshare, 0x00020000);
}
static long call_keyctl(void)
{
	return syscall(SYS_keyctl, 0, -3, 0) < 0 ? -1 : 0;
}
static long call_add_key(void)
{
	return syscall(SYS_add_key, "user", "probe", "x", 1, -3) < 0 ? -1 : 0;
}
static long call_bpf(void)
{
	return syscall(SYS_bpf, 99, NULL, 0);
}
static long call_ptrace(void)
{
	return syscall(SYS_ptrace, 0, 0, 0, 0);
}
static long call_mount(void)
{
	return syscall(SYS_mount, "none", "/proc/none", "tmpfs", 0, 0);
}
static long call_umount(void)
{
	return syscall(SYS_umount2, "/proc/none", 0);
}
static long call_chroot(void)
{
	return syscall(SYS_chroot, "/");
}
static long call_reboot(void)
{
	return syscall(SYS_reboot, 0, 0, 0, 0);
}
static long call_sethostname(void)
{
	return syscall(SYS_sethostname, "", 1000);
}
static long call_settimeofday(void)
{
	return syscall(SYS_settimeofday, (void *)1, 0);
}
static long call_kexec_load(void)
{
	return syscall(SYS_kexec_load, 0, 99999, 0, 0);
}
static long call_init_module(void)
{
	return syscall(SYS_init_module, 0, 0, 0);
}
static long call_open_by_handle(void)
{
	return syscall(SYS_open_by_handle_at, -1, 0, 0);
}
static long call_perf_event(void)
{
	return syscall(SYS_perf_event_open, 0, 0, -1, -1, 0);
}
static long call_userfaultfd(void)
{
	return syscall(SYS_userfaultfd, 0xffff);
}
static long call_io_uring(void)
{
	return syscall(SYS_io_uring_setup, 0, 0);
}
static long call_clone3(void)
{
	return syscall(SYS_clone3, 0, 0);
}
static long call_statx(void)
{
	return syscall(SYS_statx, -1, "", 0, 0, 0);
}
static long call_setns(void)
{
	return syscall(SYS_setns, -1, 0);
}
static long call_swapon(void)
{
	return syscall(SYS_swapon, "/proc/none", 0);
}
static long call_acct(void)
{
	return syscall(SYS_acct, "/proc/none");
}
static long call_syslog(void)
{
	return syscall(SYS_syslog, 10, 0, 0) < 0 ? -1 : 0;
}
static long call_quotactl(void)
{
	return syscall(SYS_quotactl, 0xffffff, 0, 0, 0);
}
static long call_setpriority(void)
{
	return syscall(SYS_setpriority, 0, 0, -10);
}
static long call_mlock(void)
{
	static char page[4096];
	return syscall(SYS_mlock, page, 4096);
}
static long call_unknown(void)
{
	return syscall(1023);
}

const struct probe_call probe_calls[] = {
	{ "socket-packet", call_socket_packet },
	{ "socket-unix", call_socket_unix },
	{ "socket-netlink", call_socket_netlink },
	{ "mkdir", call_mkdir },
	{ "chmod", call_chmod },
	{ "sched_yield", call_sched_yield },
	{ "sysinfo", call_sysinfo },
	{ "times", call_times },
	{ "getpriority", call_getpriority },
	{ "personality-query", call_personality_query },
	{ "personality-linux32", call_personality_linux32 },
	{ "personality-big", call_personality_big },
	{ "unshare-user", call_unshare_user },
	{ "unshare-mount", call_unshare_mount },
	{ "keyctl", call_keyctl },
	{ "add_key", call_add_key },
	{ "bpf", call_bpf },
	{ "ptrace", call_ptrace },
	{ "mount", call_mount },
	{ "umount2", call_umount },
	{ "chroot", call_chroot },
	{ "reboot", call_reboot },
	{ "sethostname", call_sethostname },
	{ "settimeofday", call_settimeofday },
	{ "kexec_load", call_kexec_load },
	{ "init_module", call_init_module },
	{ "open_by_handle_at", call_open_by_handle },
	{ "perf_event_open", call_perf_event },
	{ "userfaultfd", call_userfaultfd },
	{ "io_uring_setup", call_io_uring },
	{ "clone3", call_clone3 },
	{ "statx", call_statx },
	{ "setns", call_setns },
	{ "swapon", call_swapon },
	{ "acct", call_acct },
	{ "syslog", call_syslog },
	{ "quotactl", call_quotactl },
	{ "setpriority", call_setpriority },
	{ "mlock", call_mlock },
	{ "unknown", call_unknown },
	{ NULL, NULL },
};
