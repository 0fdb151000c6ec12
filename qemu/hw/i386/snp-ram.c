/*
 * SEV-SNP host emulation: host pointers to the machine's RAM
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Without NUMA backends RAM is one block; with them it is a container and a
 * block for each node that has memory.
 */
#include "qemu/osdep.h"
#include "exec/memory.h"
#include "hw/boards.h"
#include "hw/i386/snp-host.h"
#include "hw/i386/x86.h"
#include "system/hostmem.h"
#include "system/numa.h"

static struct RamBlock {
    uint64_t start, size;       /* in the machine's RAM, not an address */
    uint8_t *ptr;
} blocks[MAX_NODES];
static int nr_blocks;

static uint64_t add_block(MemoryRegion *mr, uint64_t start)
{
    struct RamBlock *block = &blocks[nr_blocks++];

    block->start = start;
    block->size = memory_region_size(mr);
    block->ptr = memory_region_get_ram_ptr(mr);
    return start + block->size;
}

void snp_ram_init(void)
{
    MachineState *machine = current_machine;
    uint64_t start = 0;

    if (memory_region_is_ram(machine->ram)) {
        add_block(machine->ram, 0);
        return;
    }
    for (int i = 0; i < machine->numa_state->num_nodes; i++) {
        HostMemoryBackend *backend = machine->numa_state->nodes[i].node_memdev;

        if (backend) {
            start = add_block(host_memory_backend_get_memory(backend), start);
        }
    }
}

static bool ram_offset(hwaddr spa, uint64_t *offset)
{
    X86MachineState *x86ms = X86_MACHINE(current_machine);

    if (spa < x86ms->below_4g_mem_size) {
        *offset = spa;
        return true;
    }
    *offset = x86ms->below_4g_mem_size + (spa - x86ms->above_4g_mem_start);
    return spa >= x86ms->above_4g_mem_start &&
           spa - x86ms->above_4g_mem_start < x86ms->above_4g_mem_size;
}

void *snp_host_ram_ptr(hwaddr spa)
{
    uint64_t offset;

    if (!ram_offset(spa, &offset)) {
        return NULL;
    }
    for (int i = 0; i < nr_blocks; i++) {
        if (offset - blocks[i].start < blocks[i].size) {
            return blocks[i].ptr + (offset - blocks[i].start);
        }
    }
    return NULL;
}
