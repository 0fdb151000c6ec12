/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Fail the n-th allocation of what the calling thread does, once.
 *
 * Worked example: for (nth = 1; failed; nth++) arms, acts and disarms; it ends
 * when the action made less than nth allocations.
 *
 * How many an action makes is not the same each time, as caches are filled in
 * between.  So a certain one may be missed by all n: fail that by its size.
 */
#ifndef SELFTEST_KVM_GMEM_FAIL_H
#define SELFTEST_KVM_GMEM_FAIL_H

#include <stdbool.h>

#include "kvm_util.h"

/* Skip the test if the kernel can't fail; else let any allocation fail, in silence. */
void gmem_fail_require(void);

/* What the others take. */
int gmem_fail_open(void);

void gmem_fail_arm(int fd, int nth);
/* Return whether the allocation was reached, i.e. whether it failed. */
bool gmem_fail_disarm(int fd);

/* Let the calling thread get no 2M of memory in one piece from now on, or again. */
void gmem_fail_2m(bool fail);

/*
 * Disarm, and claim that what was run in between returned 0, or -ENOMEM or
 * -EFAULT (from an exit) if its @nth allocation failed.  Returns if it did.
 */
bool gmem_fail_over(int fd, int nth, int r);

/* Give the page at @gpa @attributes, which may fail; returns 0 or -errno. */
int gmem_fail_convert(struct kvm_vm *vm, u64 gpa, u64 attributes);

#endif /* SELFTEST_KVM_GMEM_FAIL_H */
