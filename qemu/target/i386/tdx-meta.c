/*
 * TDX module emulation: global metadata
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A field's identifier is 63:56 class, 54:52 context, 33:32 size of an
 * element (log2 of bytes), 31:0 code. Arrays have consecutive codes.
 */
#include "qemu/osdep.h"
#include "target/i386/tdx-meta.h"

/* TDX_FEATURES0 */
#define FEATURE_NO_RBP_MOD              (1ull << 18)
#define FEATURE_TOPOLOGY_ENUM           (1ull << 20)
#define FEATURE_DEMOTE_UNINTERRUPTED    (1ull << 51)

const TdxCpuidConfig tdx_cpuid_config[] = {
    /* Family, model, stepping; logical processors */
    { 0x1, UINT32_MAX, 0x0fff3fff, 0x00ff0000, 0x31044988, 0x02aed380 },
    { 0x4, 0, 0xffffc000, 0xffffffff, 0xffffffff, 0x7 },
    { 0x4, 1, 0xffffc000, 0xffffffff, 0xffffffff, 0x7 },
    { 0x4, 2, 0xffffc000, 0xffffffff, 0xffffffff, 0x7 },
    { 0x4, 3, 0xffffc000, 0xffffffff, 0xffffffff, 0x7 },
    { 0x7, 0, 0, 0xd02b9b18, 0x02417f64, 0xbc000010 },
    { 0x1f, 0, 0x1f, 0xffff, 0xffff, 0 },
    { 0x1f, 1, 0x1f, 0xffff, 0xffff, 0 },
    { 0x1f, 2, 0x1f, 0xffff, 0xffff, 0 },
    /* Width of addresses: KVM insists on passing it */
    { 0x80000008, UINT32_MAX, 0x00ff0000, 0x00000200, 0, 0 },
};
const unsigned tdx_nr_cpuid_config = ARRAY_SIZE(tdx_cpuid_config);

typedef uint64_t FieldFn(TdxModule *m, unsigned index);

typedef struct Field {
    uint64_t id;
    unsigned count;             /* elements; 0 is one */
    uint64_t value;             /* unless there is a function */
    FieldFn *fn;
} Field;

static uint64_t features0(TdxModule *m, unsigned index)
{
    return FEATURE_NO_RBP_MOD | FEATURE_TOPOLOGY_ENUM |
           (m->opt.demote_uninterrupted ? FEATURE_DEMOTE_UNINTERRUPTED : 0);
}

static uint64_t cpuid_leaf(TdxModule *m, unsigned index)
{
    return tdx_cpuid_config[index].leaf |
           (uint64_t)tdx_cpuid_config[index].subleaf << 32;
}

/* Two elements a leaf: EAX and EBX, ECX and EDX */
static uint64_t cpuid_mask(TdxModule *m, unsigned index)
{
    const TdxCpuidConfig *c = &tdx_cpuid_config[index / 2];

    return index % 2 ? c->ecx | (uint64_t)c->edx << 32
                     : c->eax | (uint64_t)c->ebx << 32;
}

/* In the order of their codes within a class, classes ascending */
static const Field fields[] = {
    { 0x0800000100000003, .value = 5 },                 /* MINOR_VERSION */
    { 0x0800000100000004, .value = 1 },                 /* MAJOR_VERSION */
    { 0x0800000100000005, .value = 28 },                /* UPDATE_VERSION */
    { 0x0a00000300000008, .fn = features0 },            /* TDX_FEATURES0 */
    { 0x1900000300000000, .value = TDX_ATTRIBUTES_FIXED0 },
    { 0x1900000300000001, .value = 0 },                 /* ATTRIBUTES_FIXED1 */
    { 0x1900000300000002, .value = TDX_XFAM_FIXED0 },
    { 0x1900000300000003, .value = TDX_XFAM_FIXED1 },
    { 0x8900000100000000, .value = 0 },                 /* MODULE_HV */
    { 0x9100000100000008, .value = TDX_MAX_TDMRS },
    { 0x9100000100000009, .value = TDX_MAX_RESERVED },
    { 0x9100000100000010, .value = TDX_PAMT_ENTRY_SIZE },       /* 4K */
    { 0x9100000100000011, .value = TDX_PAMT_ENTRY_SIZE },       /* 2M */
    { 0x9100000100000012, .value = TDX_PAMT_ENTRY_SIZE },       /* 1G */
    { 0x9800000100000000, .value = TDX_PAGE_SIZE },             /* TDR */
    { 0x9800000100000100, .value = TDX_NR_TDCX * TDX_PAGE_SIZE },
    { 0x9800000100000200, .value = (TDX_NR_TDVPX + 1) * TDX_PAGE_SIZE },
    { 0x9900000100000004, .value = ARRAY_SIZE(tdx_cpuid_config) },
    { 0x9900000100000008, .value = TDX_MAX_VCPUS },
    { 0x9900000300000400, ARRAY_SIZE(tdx_cpuid_config), .fn = cpuid_leaf },
    { 0x9900000300000500, 2 * ARRAY_SIZE(tdx_cpuid_config), .fn = cpuid_mask },
};

static uint64_t next_field(const Field *f, uint64_t id)
{
    if (id + 1 < f->id + MAX(f->count, 1)) {
        return id + 1;
    }
    return f + 1 < fields + ARRAY_SIZE(fields) ? f[1].id : TDX_META_NONE;
}

uint64_t tdx_meta_first(TdxModule *m)
{
    return fields[0].id;
}

uint64_t tdx_meta_read(TdxModule *m, uint64_t id, uint64_t *value,
                       uint64_t *next)
{
    for (int i = 0; i < ARRAY_SIZE(fields); i++) {
        const Field *f = &fields[i];

        if (id >= f->id && id < f->id + MAX(f->count, 1)) {
            *value = f->fn ? f->fn(m, id - f->id) : f->value;
            *next = next_field(f, id);
            return TDX_SUCCESS;
        }
    }
    return TDX_METADATA_FIELD_ID_INCORRECT;
}
