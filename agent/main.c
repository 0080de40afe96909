/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent's start.
 *
 *   /init                                   as PID 1 of a virtual machine
 *   agent --channel-fd N --shares DIR [--cgroup DIR]
 *                                           in a test on the host, as PID 1 of a pid namespace
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "init/boot.h"
#include "init/channel.h"
#include "init/reaper.h"
#include "sys/agent.h"
#include "sys/log.h"
#include "sys/power.h"

/* Reads the options of a test into @agent. 0 or -EINVAL. */
static int parse_options(struct agent *agent, int argc, char **argv)
{
	static const struct option options[] = {
		{ "channel-fd", required_argument, NULL, 'f' },
		{ "shares", required_argument, NULL, 's' },
		{ "cgroup", required_argument, NULL, 'c' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'f':
			agent->channel_fd = atoi(optarg);
			break;
		case 's':
			agent->shares = optarg;
			break;
		case 'c':
			agent->cgroup = optarg;
			break;
		default:
			return -EINVAL;
		}
	}
	agent->native = agent->channel_fd >= 0;
	return agent->native && !agent->shares ? -EINVAL : 0;
}

/* Opens descriptors 0 to 2 if they are not, as without a console, so that nothing else gets their numbers. */
static void hold_stdio(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd < 2);
	if (fd > 2)
		fd_close(fd);
}

/* Does what comes before the loop. 0 or -errno with @err set. */
static int agent_start(struct agent *agent, struct err *err)
{
	int r = agent->native ? boot_native(agent, err) : boot_machine(agent, err);

	if (r < 0)
		return r;
	hold_stdio();
	r = loop_new(&agent->loop);
	if (r == 0)
		r = reaper_start(agent);
	if (r == 0)
		r = channel_open(agent);
	return r < 0 ? err_sys(err, r, "the agent cannot start") : 0;
}

int main(int argc, char **argv)
{
	static struct agent agent = {
		.channel_fd = -1, .reaper_fd = -1, .place_ns = -1, .net = { .park = -1, .park_ns = -1 }
	};
	struct err err = ERR_INIT;
	int r;

	LIST_INIT(&agent.containers);
	LIST_INIT(&agent.processes);
	LIST_INIT(&agent.syncs);
	LIST_INIT(&agent.relays);
	LIST_INIT(&agent.links);
	LIST_INIT(&agent.resolvers);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)umask(022);
	/* the kernel hands words of its command line that it does not know to init: only a test's options are looked at */
	if (getpid() != 1 || (argc > 1 && strcmp(argv[1], "--channel-fd") == 0)) {
		if (parse_options(&agent, argc, argv) < 0 || !agent.native) {
			(void)fprintf(stderr, "usage: %s --channel-fd N --shares DIR [--cgroup DIR]\n", argv[0]);
			return 2;
		}
	}
	r = agent_start(&agent, &err);
	if (r < 0) {
		log_write(&agent, PROTO_LOG_ERROR, "%s", err.msg);
		power_off(&agent);
	}
	r = loop_run(agent.loop);
	log_write(&agent, PROTO_LOG_ERROR, "the loop ended: %s", strerror(-r));
	power_off(&agent);
}
