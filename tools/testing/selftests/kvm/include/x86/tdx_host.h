/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What an emulated TDX host tells of its TDX module, and lets a test do to it:
 * registers that no processor has.
 */
#ifndef SELFTEST_KVM_TDX_HOST_H
#define SELFTEST_KVM_TDX_HOST_H

#include "kvm_util.h"

/* Leaves of SEAMCALL */
#define TDH_MEM_SEPT_ADD	3
#define TDH_MEM_PAGE_AUG	6
#define TDH_MEM_RANGE_BLOCK	7
#define TDH_MEM_PAGE_DEMOTE	15
#define TDH_MEM_PAGE_PROMOTE	23
#define TDH_PHYMEM_PAGE_RECLAIM	28
#define TDH_MEM_PAGE_REMOVE	29
#define TDH_MEM_TRACK		38
#define TDH_PHYMEM_PAGE_WBINVD	41

/* Statuses, i.e. the upper half of RAX */
#define TDX_BUSY		0x80000200u

/* Whether there is such a host. */
bool tdx_host_is_there(void);

/* How often @leaf was done at @level, 0 for 4K or 1 for 2M. */
u64 tdx_host_calls(u32 leaf, int level);

/* Have the module answer each @every-th of the next calls of @leaf with @status. */
void tdx_host_inject(u32 leaf, u32 status, u32 every);
u64 tdx_host_injected(u32 leaf);

/* Leaves of all S-EPTs, by level; rules of the bookkeeping that are broken. */
u64 tdx_host_leaves(int level);
u64 tdx_host_broken(void);

/* Pages of 4K that are TDs' or the module's for them */
u64 tdx_host_owned(void);

#endif /* SELFTEST_KVM_TDX_HOST_H */
