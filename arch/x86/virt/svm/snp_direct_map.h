/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef __X86_VIRT_SVM_SNP_DIRECT_MAP_H
#define __X86_VIRT_SVM_SNP_DIRECT_MAP_H

#include <linux/types.h>

/*
 * Before RMPUPDATE changes the 4K entry of @pfn: have the direct map of the 2M
 * around it at 4K if the host is going to write to a page of these 2M while
 * another is assigned.  Returns -errno if it can't be split.
 */
int snp_direct_map_split(u64 pfn, bool assign);

/*
 * Before the owner of all of the 2M around @pfn gives pages of it back that are
 * not assigned: have the direct map at 4K if others are.  The same errors.
 */
int snp_direct_map_split_assigned(u64 pfn);

/*
 * Before RMPUPDATE assigns pages of the 2M around @pfn to the owner of all of it: the
 * direct map stays as it is until one that is not assigned is given back.
 */
void snp_direct_map_leave(u64 pfn);

/*
 * After RMPUPDATE took [@pfn, @pfn + @nr_pages) of one 2M range from its owner,
 * or failed to assign it: if this was what kept the range at 4K, give it one
 * mapping of 2M again soon.
 */
void snp_direct_map_restore(u64 pfn, unsigned int nr_pages);

/*
 * Keep the 2M range around @pfn at 4K, whether pages of it are assigned or
 * not, or no longer.
 */
int snp_direct_map_hold(u64 pfn);
void snp_direct_map_release(u64 pfn);

#endif /* __X86_VIRT_SVM_SNP_DIRECT_MAP_H */
