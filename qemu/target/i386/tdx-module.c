/*
 * TDX module emulation: dispatch of SEAMCALL leaves, counters, injection
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "target/i386/tdx-td.h"

/* RAX of a call: 15:0 leaf, 23:16 version, 63 the loader instead */
#define RAX_LEAF        0xffffull
#define RAX_VERSION     0xff0000ull
#define RAX_KNOWN       (RAX_LEAF | RAX_VERSION)

const TdxLeaf *tdx_leaf(unsigned number)
{
    for (const TdxLeaf *const *table = tdx_leaf_tables; *table; table++) {
        for (const TdxLeaf *leaf = *table; leaf->name; leaf++) {
            if (leaf->number == number) {
                return leaf;
            }
        }
    }
    return NULL;
}

void tdx_guest_error(TdxModule *m, const char *fmt, ...)
{
    va_list ap;
    g_autofree char *text = NULL;

    va_start(ap, fmt);
    text = g_strdup_vprintf(fmt, ap);
    va_end(ap);
    m->ops->guest_error(m->opaque, text);
}

static bool status_is_busy(uint64_t status)
{
    switch (status & -TDX_STATUS(1)) {
    case TDX_OPERAND_BUSY:
    case TDX_PREVIOUS_TLB_EPOCH_BUSY:
    case TDX_SYS_BUSY:
    case TDX_INTERRUPTED_RESUMABLE:
    case TDX_INTERRUPTED_RESTARTABLE:
    case TDX_RND_NO_ENTROPY:
        return true;
    default:
        return false;
    }
}

void tdx_count(TdxCount *count, unsigned level, uint64_t status)
{
    if (!(status & TDX_STATUS_ERROR)) {
        count->done[level < TDX_LEVELS ? level : 0]++;
        return;
    }
    count->failed++;
    count->busy += status_is_busy(status);
}

/* Whether the fault of this leaf is due now */
static bool inject(TdxModule *m, unsigned leaf, uint64_t *status)
{
    TdxInjection *in = &m->inject[leaf];

    /* Success is no fault: a call would seem to have done what it did not */
    if (!in->count || !in->status) {
        return false;
    }
    if (in->skip) {
        in->skip--;
        return false;
    }
    if (in->every > 1 && ++in->seen % in->every) {
        return false;
    }
    in->count--;
    m->count[leaf].injected++;
    *status = TDX_STATUS(in->status);
    return true;
}

/* Whether the module is far enough for this leaf */
static uint64_t check_state(TdxModule *m, unsigned lp, const TdxLeaf *leaf)
{
    if (m->state == TDX_SYS_DISABLED) {
        return TDX_SYS_SHUTDOWN;
    }
    if (leaf->flags & TDX_LEAF_ANY_STATE) {
        return TDX_SUCCESS;
    }
    if (m->state != TDX_SYS_READY) {
        return TDX_SYS_NOT_READY;
    }
    return m->lps[lp].initialized ? TDX_SUCCESS : TDX_SYS_LP_INIT_NOT_DONE;
}

static uint64_t dispatch(TdxCall *c, const TdxLeaf *leaf)
{
    TdxModule *m = c->m;
    uint64_t rax = c->r[TDX_RAX];
    uint64_t status;

    if (rax & ~RAX_KNOWN) {
        tdx_guest_error(m, "SEAMCALL leaf %u: reserved bits of RAX: 0x%" PRIx64,
                        c->leaf, rax);
        return tdx_operand_invalid(TDX_OPERAND_RAX);
    }
    if (!leaf) {
        tdx_guest_error(m, "SEAMCALL leaf %u is unknown", c->leaf);
        return tdx_operand_invalid(TDX_OPERAND_RAX);
    }
    if (c->version > leaf->max_version) {
        tdx_guest_error(m, "%s has no version %u", leaf->name, c->version);
        return tdx_operand_invalid(TDX_OPERAND_RAX);
    }
    status = check_state(m, c->lp, leaf);
    if (status || inject(m, c->leaf, &status)) {
        return status;
    }
    return leaf->fn(c);
}

uint64_t tdx_seamcall(TdxModule *m, unsigned lp, uint64_t r[TDX_NR_REGS])
{
    TdxCall c = {
        .m = m,
        .lp = lp,
        .leaf = r[TDX_RAX] & RAX_LEAF,
        .version = (r[TDX_RAX] & RAX_VERSION) >> 16,
    };
    const TdxLeaf *leaf = tdx_leaf(c.leaf);
    unsigned level = 0;

    memcpy(c.r, r, sizeof(c.r));
    if (leaf && leaf->flags & TDX_LEAF_LEVEL) {
        level = r[TDX_RCX] & 7;
    }
    c.r[TDX_RAX] = dispatch(&c, leaf);
    if (leaf) {
        tdx_count(&m->count[c.leaf], level, c.r[TDX_RAX]);
    }
    memcpy(r, c.r, sizeof(c.r));
    return c.r[TDX_RAX];
}

void tdx_module_reset(TdxModule *m)
{
    m->state = TDX_SYS_INIT_PENDING;
    m->packages_configured = 0;
    m->global_keyid = 0;
    m->nr_tdmrs = 0;
    for (unsigned i = 0; i < m->nr_lps; i++) {
        m->lps[i].initialized = false;
        m->lps[i].vp = NULL;
    }
    memset(m->count, 0, sizeof(m->count));
    memset(m->guest_count, 0, sizeof(m->guest_count));
    tdx_life_reset(m);
}

typedef void CopyPart(void *page, uint8_t *other, uint64_t len);

static void copy_from(void *page, uint8_t *other, uint64_t len)
{
    memcpy(other, page, len);
}

static void copy_to(void *page, uint8_t *other, uint64_t len)
{
    memcpy(page, other, len);
}

/* Piece by piece: what is adjacent in the machine need not be here */
static bool copy(TdxModule *m, uint64_t pa, uint8_t *other, uint64_t len,
                 CopyPart *part)
{
    while (len) {
        uint64_t offset = pa & (TDX_PAGE_SIZE - 1);
        uint64_t now = MIN(len, TDX_PAGE_SIZE - offset);
        uint8_t *page = m->ops->page(m->opaque, pa - offset);

        if (!page) {
            return false;
        }
        part(page + offset, other, now);
        pa += now;
        other += now;
        len -= now;
    }
    return true;
}

bool tdx_read(TdxModule *m, uint64_t pa, void *to, uint64_t len)
{
    return copy(m, pa, to, len, copy_from);
}

bool tdx_write(TdxModule *m, uint64_t pa, const void *from, uint64_t len)
{
    return copy(m, pa, (uint8_t *)from, len, copy_to);
}
