/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Windows of a benchmark: counters are read before and after an operation, and
 * the edges are marked with a no-operation that an instruction-counting
 * emulator can recognize.  One line is printed per window:
 *
 *   gmem_bench id=0 op=touch size_mib=1024 vcpus=1 npf=512 ... wall_s=0.8
 */
#ifndef SELFTEST_KVM_GMEM_WINDOW_H
#define SELFTEST_KVM_GMEM_WINDOW_H

#include "kvm_util.h"

#define GMEM_BENCH_MAX_VCPUS	16

#ifndef GUEST_MEMFD_FLAG_LARGE_FOLIOS
#define GUEST_MEMFD_FLAG_LARGE_FOLIOS	BIT_ULL(8)
#endif

/* A count that one benchmark has beside those of all */
struct gmem_bench_count {
	const char *name;
	u64 (*read)(u64 arg);
	u64 arg;
};

#define GMEM_BENCH_MAX_COUNTS	12

/* The VM that is measured.  @vm is NULL once it is gone. */
struct gmem_bench {
	struct kvm_vm *vm;
	struct kvm_vcpu *vcpus[GMEM_BENCH_MAX_VCPUS];
	int nr_vcpus;
	u64 size;
	int fd;
	bool touch_only;
	const struct gmem_bench_count *more;
	int nr_more;
};

/* Host: the number that follows @name in a file of such lines, 0 if there is none. */
u64 gmem_read_field(const char *path, const char *name);

/* What the command line asks for. */
struct gmem_bench gmem_bench_parse(int argc, char *argv[], int max_vcpus);

/* What of GUEST_MEMFD_FLAG_LARGE_FOLIOS the kernel has for @vm; said aloud. */
u64 gmem_bench_flags(struct kvm_vm *vm);

/* Run an operation in a window of its own and print what it cost. */
void gmem_window(struct gmem_bench *b, const char *op,
		 void (*run)(struct gmem_bench *b));

#endif /* SELFTEST_KVM_GMEM_WINDOW_H */
