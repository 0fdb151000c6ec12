/*
 * TDX module emulation: the tables of leaves
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "target/i386/tdx-td.h"

const TdxLeaf *const tdx_leaf_tables[] = {
    tdx_sys_leaves,
    tdx_td_leaves,
    tdx_phymem_leaves,
    tdx_vp_leaves,
    tdx_mem_leaves,
    NULL
};
