/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host's address space: everything by 2M pages at its own address, and a
 * window at 512 GiB for what a table of cases maps in its own way:
 *
 *   WINDOW + 0    512 pages of 4K, one for each call of map_4k() in turn
 *   WINDOW + 2M   one page of 2M, for map_2m()
 *   WINDOW + 4M   a table that is itself a page under test, for map_table()
 *   WINDOW + 1G   one page of 1G, for map_1g()
 */
#include "snp.h"

#define WINDOW      0x8000000000ull
#define WINDOW_2M   (WINDOW + PAGE_2M)
#define WINDOW_TEST (WINDOW + 2 * PAGE_2M)
#define TABLE_FLAGS (PTE_P | PTE_W | PTE_U | PTE_A)

static u64 pdpt[512] __attribute__((aligned(4096)));
static u64 pd[512] __attribute__((aligned(4096)));
static u64 pt[512] __attribute__((aligned(4096)));

void paging_init(void)
{
    boot_pml4[1] = (u64)pdpt | TABLE_FLAGS;
    pdpt[0] = (u64)pd | TABLE_FLAGS;
    pd[0] = (u64)pt | TABLE_FLAGS;
}

/* A 2M region that no row has used; memory is plenty, none comes back */
u64 arena_region(void)
{
    static u64 next = ARENA_START;
    u64 spa = next;

    next += PAGE_2M;
    if (next > ARENA_END) {
        die("out of regions: raise ARENA_END and the machine's memory");
    }
    return spa;
}

u64 map_4k(u64 spa, u64 flags)
{
    static int next;
    int i = next++ % 512;

    pt[i] = spa | flags;
    flush_tlb();
    return WINDOW + i * PAGE_4K;
}

u64 map_2m(u64 spa, u64 flags)
{
    pd[1] = (spa & -PAGE_2M) | flags | PTE_LARGE;
    flush_tlb();
    return WINDOW_2M + spa % PAGE_2M;
}

u64 map_1g(u64 spa, u64 flags)
{
    pdpt[1] = (spa & -PAGE_1G) | flags | PTE_LARGE;
    flush_tlb();
    return WINDOW + PAGE_1G + spa % PAGE_1G;
}

/* The address of the first page that the table maps */
u64 map_table(u64 table_spa)
{
    pd[2] = table_spa | TABLE_FLAGS;
    flush_tlb();
    return WINDOW_TEST;
}
