// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fail allocations one by one, see gmem_fail.h.
 */
#include <fcntl.h>

#include "gmem_fail.h"
#include "processor.h"
#include "test_util.h"

static void write_to(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY);

	TEST_ASSERT(fd >= 0, "%s should exist, is debugfs mounted?", path);
	TEST_ASSERT(write(fd, value, strlen(value)) == strlen(value),
		    "Writing %s to %s should succeed", value, path);
	close(fd);
}

static void set_knob(const char *knob, const char *value)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/kernel/debug/%s", knob);
	write_to(path, value);
}

void gmem_fail_require(void)
{
	static const char * const knobs[][2] = {
		{ "failslab/ignore-gfp-wait", "N" },
		{ "failslab/verbose", "0" },
		{ "fail_page_alloc/ignore-gfp-wait", "N" },
		{ "fail_page_alloc/ignore-gfp-highmem", "N" },
		{ "fail_page_alloc/min-order", "0" },
		{ "fail_page_alloc/verbose", "0" },
		{ "fail_page_alloc/probability", "0" },
		{ "fail_page_alloc/task-filter", "Y" },
		{ "fail_page_alloc/times", "-1" },
	};
	int i;

	TEST_REQUIRE(!access("/proc/thread-self/fail-nth", W_OK));

	for (i = 0; i < ARRAY_SIZE(knobs); i++)
		set_knob(knobs[i][0], knobs[i][1]);
}

int gmem_fail_open(void)
{
	int fd = open("/proc/thread-self/fail-nth", O_RDWR);

	TEST_ASSERT(fd >= 0, "fail-nth should open");
	return fd;
}

void gmem_fail_arm(int fd, int nth)
{
	char buf[16];
	int len = snprintf(buf, sizeof(buf), "%d", nth);

	TEST_ASSERT(pwrite(fd, buf, len, 0) == len, "fail-nth should take %d", nth);
}

bool gmem_fail_disarm(int fd)
{
	char buf[16] = {};

	TEST_ASSERT(pread(fd, buf, sizeof(buf) - 1, 0) > 0, "fail-nth should read");
	gmem_fail_arm(fd, 0);
	return !atoi(buf);
}

void gmem_fail_2m(bool fail)
{
	write_to("/proc/thread-self/make-it-fail", fail ? "1" : "0");
	set_knob("fail_page_alloc/min-order", fail ? "9" : "0");
	set_knob("fail_page_alloc/probability", fail ? "100" : "0");
}

bool gmem_fail_over(int fd, int nth, int r)
{
	bool failed = gmem_fail_disarm(fd);

	TEST_ASSERT(!r || (failed && (r == -ENOMEM || r == -EFAULT)),
		    "Allocation %d: should succeed or return ENOMEM, got %d", nth, r);
	return failed;
}

int gmem_fail_convert(struct kvm_vm *vm, u64 gpa, u64 attributes)
{
	struct kvm_memory_attributes attr = {
		.attributes	= attributes,
		.address	= gpa,
		.size		= PAGE_SIZE,
	};

	return __vm_ioctl(vm, KVM_SET_MEMORY_ATTRIBUTES, &attr) ? -errno : 0;
}
