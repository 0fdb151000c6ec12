// SPDX-License-Identifier: GPL-2.0-only
/*
 * The registers of an emulated TDX host.
 */
#include <fcntl.h>
#include <unistd.h>

#include "tdx_host.h"
#include "test_util.h"

#define MSR_COUNT		0x54440000u
#define MSR_INJECT		0x54460000u
#define MSR_CHECK		0x54470000u

#define TDH_SYS_INIT		33

#define KIND_INJECTED		5
#define CHECK_BROKEN		0
#define CHECK_OWNED		1
#define CHECK_LEAVES		4

/* As many calls as can be said */
#define INJECT_MAX		0xfffu

static bool read_msr(u32 msr, u64 *value)
{
	int fd = open("/dev/cpu/0/msr", O_RDONLY);
	bool done = fd >= 0 && pread(fd, value, sizeof(*value), msr) == sizeof(*value);

	if (fd >= 0)
		close(fd);
	return done;
}

static u64 must_read(u32 msr)
{
	u64 value;

	TEST_ASSERT(read_msr(msr, &value), "Cannot read register 0x%x", msr);
	return value;
}

/* A register that is not there may read as 0, but the module was initialized. */
bool tdx_host_is_there(void)
{
	u64 value;

	return read_msr(MSR_COUNT | TDH_SYS_INIT << 4, &value) && value;
}

u64 tdx_host_calls(u32 leaf, int level)
{
	return must_read(MSR_COUNT | leaf << 4 | level);
}

u64 tdx_host_injected(u32 leaf)
{
	return must_read(MSR_COUNT | leaf << 4 | KIND_INJECTED);
}

void tdx_host_inject(u32 leaf, u32 status, u32 every)
{
	u64 value = (u64)status << 32 | every << 24 | (status ? INJECT_MAX : 0);
	int fd = open("/dev/cpu/0/msr", O_WRONLY);

	TEST_ASSERT(fd >= 0 && pwrite(fd, &value, sizeof(value), MSR_INJECT | leaf) ==
		    sizeof(value), "Cannot inject into leaf %u", leaf);
	close(fd);
}

u64 tdx_host_leaves(int level)
{
	return must_read(MSR_CHECK | (CHECK_LEAVES + level));
}

u64 tdx_host_broken(void)
{
	return must_read(MSR_CHECK | CHECK_BROKEN);
}

u64 tdx_host_owned(void)
{
	return must_read(MSR_CHECK | CHECK_OWNED);
}
