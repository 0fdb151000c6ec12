/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest. By guest physical address, which is also its virtual one:
 *
 *   0          core: operations, tables, stack; 4K pages, validated, every
 *              VMPL may do everything, so that only the target is under test
 *   2M         report: the host's page, read and written with C=0
 *   4M         target: 2M that each row makes as it likes
 *   8M         VMSAs, one for each VMPL; the host maps none of them
 *   1G         the same again with C=0
 *   2G         through a table that lies in the target's first page
 *
 * Its memory has no key, as no firmware activated its ASID: what the host
 * stores before it assigns a page is what the guest finds there.
 */
#include "guest.h"

#define LEAF        (PTE_P | PTE_W | PTE_U | PTE_A | PTE_D)
#define PERMS_EVERY 0x0f0f0f0f
#define EFER_SVME   (1ull << 12)
#define GUEST_TSS   0x800       /* in the page of GUEST_GDT */
#define TSS_RSP0    0x04
#define TSS_IST1    0x24
#define GATE_SIZE   16
#define GATE_IST    4

enum { MAP_PML4, MAP_PDPT, MAP_PD, MAP_CORE, MAP_REPORT, MAP_TARGET, MAPS };

u64 guest_vmcb, guest_hsave, guest_report, guest_target;
static u64 core;
static u64 maps;                /* the nested page tables */

static u64 *nested(int table)
{
    return (u64 *)(maps + table * PAGE_4K);
}

u64 guest_maps(void)
{
    return (u64)nested(MAP_PML4);
}

static void make_guest_tables(void)
{
    u64 *pml4 = (u64 *)(core + GUEST_PML4), *pdpt = (u64 *)(core + GUEST_PDPT);
    u64 *pd = (u64 *)(core + GUEST_PD);
    u64 *pd_shared = (u64 *)(core + GUEST_PD_SHARED);

    pml4[0] = GUEST_PDPT | LEAF | PTE_C;
    pdpt[0] = GUEST_PD | LEAF | PTE_C;
    pdpt[1] = GUEST_PD_SHARED | LEAF | PTE_C;
    pdpt[2] = GUEST_TARGET | LEAF | PTE_C;
    for (int i = 0; i < 512; i++) {
        pd_shared[i] = i * PAGE_2M | LEAF | PTE_LARGE;
        pd[i] = pd_shared[i] | PTE_C;
    }
}

static void make_core(void)
{
    static const int end = GUEST_CORE_END;

    memset((void *)core, 0, end);
    memcpy((void *)(core + GUEST_CODE), ops_start, ops_end - ops_start);
    trap_gates((void *)(core + GUEST_IDT),
               GUEST_CODE + (guest_entries - ops_start), 0);
    /* A double fault has a stack of its own, which works when RSP does not */
    AT8(core + GUEST_IDT, DF * GATE_SIZE + GATE_IST) = 1;
    memcpy((void *)(core + GUEST_GDT), gdt, SEL_TSS);
    AT64(core + GUEST_GDT + GUEST_TSS, TSS_RSP0) = GUEST_STACK;
    AT64(core + GUEST_GDT + GUEST_TSS, TSS_IST1) = GUEST_STACK;
    make_guest_tables();
}

/* A page as a launched guest has it */
static void give(u64 spa, u64 gpa, bool vmsa)
{
    struct entry e;

    assign(spa, gpa, TEST_ASID, false);
    e = entry_read(spa);
    e.validated = true;
    e.vmsa = vmsa;
    e.perms = PERMS_EVERY;
    entry_poke(spa, &e, false);
}

static void make_maps(void)
{
    u64 flags = PTE_P | PTE_W | PTE_U;

    memset((void *)maps, 0, MAPS * PAGE_4K);
    nested(MAP_PML4)[0] = (u64)nested(MAP_PDPT) | flags;
    nested(MAP_PDPT)[0] = (u64)nested(MAP_PD) | flags;
    nested(MAP_PD)[0] = (u64)nested(MAP_CORE) | flags;
    nested(MAP_PD)[GUEST_REPORT / PAGE_2M] = (u64)nested(MAP_REPORT) | flags;
    for (u64 gpa = GUEST_CODE; gpa < GUEST_CORE_END; gpa += PAGE_4K) {
        nested(MAP_CORE)[gpa / PAGE_4K] = (core + gpa) | flags;
    }
    nested(MAP_REPORT)[0] = guest_report | flags;
}

static void make_vmcb(void)
{
    u64 bitmaps = guest_vmcb + PAGE_4K;

    memset((void *)guest_vmcb, 0, PAGE_4K);
    memset((void *)bitmaps, 0xff, 5 * PAGE_4K);
    AT64(guest_vmcb, 0x40) = bitmaps;                   /* I/O */
    AT64(guest_vmcb, 0x48) = bitmaps + 3 * PAGE_4K;     /* MSR */
}

static void give_core(u64 spa, u64 gpa)
{
    give(spa, gpa, false);
}

void guest_renew(void (*give_page)(u64 spa, u64 gpa))
{
    core = arena_region();
    guest_report = arena_region();
    maps = arena_region() + PAGE_4K;
    guest_vmcb = maps + MAPS * PAGE_4K;
    guest_hsave = guest_vmcb + 8 * PAGE_4K;
    make_core();
    make_vmcb();
    for (u64 gpa = GUEST_CODE; gpa < GUEST_CORE_END; gpa += PAGE_4K) {
        (give_page ? give_page : give_core)(core + gpa, gpa);
    }
    make_maps();
    wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SVME);
    wrmsr(MSR_HSAVE, guest_hsave);
}

void guest_init(void)
{
    if (!core) {
        guest_renew(NULL);
    }
}

u64 guest_core(void)
{
    return core;
}

void target_map(u64 flags, bool npt_large)
{
    u64 *pde = &nested(MAP_PD)[GUEST_TARGET / PAGE_2M];

    if (npt_large) {
        *pde = guest_target | flags | PTE_LARGE;
        return;
    }
    for (int i = 0; i < 512; i++) {
        nested(MAP_TARGET)[i] = (guest_target + i * PAGE_4K) | flags;
    }
    *pde = (u64)nested(MAP_TARGET) | PTE_P | PTE_W | PTE_U;
}

void target_table(u64 table)
{
    nested(MAP_PD)[GUEST_TARGET / PAGE_2M] = table | PTE_P | PTE_W | PTE_U |
                                             PTE_A;
}

void target_make(enum page_state state, bool large, bool npt_large)
{
    guest_target = arena_region();
    /* For a jump to it, for a walk through its second entry, for a call */
    *(u16 *)guest_target = 0x80cd;
    *(u64 *)(guest_target + 8) = GUEST_REPORT | LEAF | PTE_LARGE;
    *(u8 *)(guest_target + 16) = 0xc3;
    page_make_at(guest_target, state, large, GUEST_TARGET);
    target_map(PTE_P | PTE_W | PTE_U, npt_large);
}

void target_move(u64 gpa, u32 asid, bool large)
{
    struct entry e = entry_read(guest_target);

    assign(guest_target, gpa, asid, large);
    entry_poke(guest_target, &e, large);
}

static void set_segment(u64 vmsa, int offset, u16 selector, u16 attributes,
                        u32 limit, u64 base)
{
    AT32(vmsa, offset) = selector | (u32)attributes << 16;
    AT32(vmsa, offset + 4) = limit;
    AT64(vmsa, offset + 8) = base;
}

static void set_segments(u64 vmsa)
{
    static const int data[] = { VMSA_ES, VMSA_SS, VMSA_DS, VMSA_FS, VMSA_GS };

    for (unsigned i = 0; i < ARRAY_SIZE(data); i++) {
        set_segment(vmsa, data[i], SEL_DATA, 0xc93, -1u, 0);
    }
    set_segment(vmsa, VMSA_CS, SEL_CODE, 0xa9b, -1u, 0);
    set_segment(vmsa, VMSA_GDTR, 0, 0, SEL_TSS - 1, GUEST_GDT);
    set_segment(vmsa, VMSA_IDTR, 0, 0, 0xfff, GUEST_IDT);
    set_segment(vmsa, VMSA_LDTR, 0, 0x82, 0, 0);
    set_segment(vmsa, VMSA_TR, SEL_TSS, 0x8b, 0x67, GUEST_GDT + GUEST_TSS);
}

void vmsa_to_user(u64 vmsa)
{
    set_segment(vmsa, VMSA_CS, SEL_USER_CODE, 0xafb, -1u, 0);
    set_segment(vmsa, VMSA_SS, SEL_USER_DATA, 0xcf3, -1u, 0);
    AT8(vmsa, VMSA_CPL) = 3;
}

void vmsa_open(u64 vmsa)
{
    struct entry e = entry_read(vmsa & -PAGE_4K);

    if (e.assigned) {
        unassign(vmsa & -PAGE_4K, false);
    }
}

void vmsa_close(u64 vmsa)
{
    give(vmsa, VMSA_GPA + vmsa % PAGE_2M, true);
}

void vmsa_fill(u64 vmsa, int vmpl, const u8 *op, u64 rax, u64 rcx, u64 rdx)
{
    memset((void *)vmsa, 0, PAGE_4K);
    set_segments(vmsa);
    AT8(vmsa, VMSA_VMPL) = vmpl;
    AT64(vmsa, VMSA_EFER) = EFER_SVME | 0xd00;
    AT64(vmsa, VMSA_CR0) = 0x80010033;
    AT64(vmsa, VMSA_CR3) = GUEST_PML4 | PTE_C;
    AT64(vmsa, VMSA_CR4) = 0x20;
    AT64(vmsa, VMSA_DR6) = 0xffff0ff0;
    AT64(vmsa, VMSA_DR7) = 0x400;
    AT64(vmsa, VMSA_RFLAGS) = 2;
    AT64(vmsa, VMSA_RIP) = GUEST_CODE + (op - ops_start);
    AT64(vmsa, VMSA_RSP) = GUEST_STACK;
    AT64(vmsa, VMSA_PAT) = 0x0007040600070406;
    AT64(vmsa, VMSA_RAX) = rax;
    AT64(vmsa, VMSA_RCX) = rcx;
    AT64(vmsa, VMSA_RDX) = rdx;
    AT64(vmsa, VMSA_FEATURES) = FEATURE_SNP;
    AT64(vmsa, VMSA_XCR0) = 1;
    AT32(vmsa, VMSA_MXCSR) = 0x1f80;
    AT32(vmsa, VMSA_FCW) = 0x37f;
}

/*
 * A region for each: where a page of a region is a guest's, the host cannot
 * write the others by its 2M mapping.
 */
static u64 vmsa_page(int vmpl)
{
    static u64 regions[VMPLS];

    if (!regions[vmpl]) {
        regions[vmpl] = arena_region();
    }
    return regions[vmpl] + (1 + vmpl) * PAGE_4K;
}

u64 vmsa_make(int vmpl, const u8 *op, u64 rax, u64 rcx, u64 rdx)
{
    u64 vmsa = vmsa_page(vmpl);

    vmsa_open(vmsa);
    vmsa_fill(vmsa, vmpl, op, rax, rcx, rdx);
    return vmsa;
}

struct turn guest_op(int vmpl, const u8 *op, u64 rax, u64 rcx, u64 rdx)
{
    u64 vmsa = vmsa_make(vmpl, op, rax, rcx, rdx);

    vmsa_close(vmsa);
    return guest_run(vmsa);
}
