/*
 * TDX module emulation: what must be true between two calls
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The rules of the leaves imply all of it: a finding is a bug of this
 * emulation, or an object whose host ended without giving its pages back.
 */
#include "qemu/osdep.h"
#include "target/i386/tdx-sept.h"

typedef struct TdxChecker {
    TdxModule *m;
    TdxSay *say;
    void *opaque;
    TdxTd *td;
    uint64_t tables;
    uint64_t *leaves;       /* of all TDs, by level */
    GHashTable *seen;       /* leaf addresses, of all TDs */
    unsigned broken;
} TdxChecker;

static void G_GNUC_PRINTF(2, 3) broken(TdxChecker *k, const char *fmt, ...)
{
    g_autofree char *text = NULL;
    va_list ap;

    va_start(ap, fmt);
    text = g_strdup_vprintf(fmt, ap);
    va_end(ap);
    k->say(k->opaque, text);
    k->broken++;
}

static void check_leaf(TdxChecker *k, uint64_t entry, int level)
{
    uint64_t pa = tdx_sept_entry_pa(entry, level);
    unsigned size;
    TdxPamtEntry *e = tdx_pamt_leaf(k->m, pa, &size);

    k->leaves[level]++;
    if (!e || tdx_pamt_type(e) != TDX_PT_REG || (int)size != level ||
        tdx_pamt_tdr(e) != k->td->tdr) {
        broken(k, "TD 0x%" PRIx64 " maps 0x%" PRIx64 " at level %d, "
               "its metadata says otherwise", k->td->tdr, pa, level);
    }
    if (!g_hash_table_add(k->seen, g_memdup2(&pa, sizeof(pa)))) {
        broken(k, "0x%" PRIx64 " is mapped twice", pa);
    }
}

static void check_table(TdxChecker *k, TdxSeptPage *page, int level)
{
    k->tables++;
    for (int i = 0; i < TDX_SEPT_ENTRIES; i++) {
        uint64_t entry = page->entry[i];

        if (tdx_sept_state(entry) == TDX_SEPT_FREE) {
            continue;
        }
        if (tdx_sept_is_leaf(entry)) {
            check_leaf(k, entry, level);
        } else if (!level || page->child[i] !=
                   tdx_sept_page_find(k->td, tdx_sept_entry_pa(entry, 0))) {
            broken(k, "TD 0x%" PRIx64 " has a table that is not there",
                   k->td->tdr);
        } else {
            check_table(k, page->child[i], level - 1);
        }
    }
}

/* The count of children against the PAMT, and the tree against the count */
static void check_pages(TdxChecker *k)
{
    TdxTd *td = k->td;
    uint64_t owned = tdx_pamt_count(k->m, td->tdr);

    if (td->chldcnt != owned) {
        broken(k, "TD 0x%" PRIx64 " counts %" PRId64 " pages, owns %" PRIu64,
               td->tdr, td->chldcnt, owned);
    }
    /* In teardown, pages go in any order, and the tree with them */
    if (td->life == TDX_TD_TEARDOWN || !td->sept) {
        return;
    }
    k->tables = 0;
    check_table(k, td->sept, td->top ? td->top : 3);
    if (k->tables != g_hash_table_size(td->sept_pages)) {
        broken(k, "TD 0x%" PRIx64 " has tables out of its tree", td->tdr);
    }
}

static void check_vcpus(TdxChecker *k)
{
    TdxTd *td = k->td;
    unsigned inside[2] = { 0 }, associated = 0;
    GHashTableIter iter;
    TdxVp *vp;

    g_hash_table_iter_init(&iter, k->m->life->vps);
    while (g_hash_table_iter_next(&iter, NULL, (gpointer *)&vp)) {
        if (vp->td == td) {
            associated += vp->lp != TDX_NO_LP;
            inside[vp->epoch & 1] += vp->inside;
        }
    }
    if (inside[0] != td->refcount[0] || inside[1] != td->refcount[1] ||
        inside[0] + inside[1] != td->nr_inside) {
        broken(k, "TD 0x%" PRIx64 ": wrong counts of an epoch", td->tdr);
    }
    if (associated != td->nr_associated) {
        broken(k, "TD 0x%" PRIx64 ": wrong count of associations", td->tdr);
    }
}

static unsigned check_all(TdxModule *m, TdxSay *say, void *opaque,
                          uint64_t leaves[TDX_LEVELS])
{
    TdxChecker k = { .m = m, .say = say, .opaque = opaque, .leaves = leaves };
    GHashTableIter iter;

    k.seen = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
    g_hash_table_iter_init(&iter, m->life->tds);
    while (g_hash_table_iter_next(&iter, NULL, (gpointer *)&k.td)) {
        check_pages(&k);
        check_vcpus(&k);
    }
    g_hash_table_destroy(k.seen);
    return k.broken;
}

unsigned tdx_check(TdxModule *m, TdxSay *say, void *opaque)
{
    uint64_t leaves[TDX_LEVELS] = { 0 };

    return check_all(m, say, opaque, leaves);
}

static void say_nothing(void *opaque, const char *text)
{
}

void tdx_count_leaves(TdxModule *m, uint64_t leaves[TDX_LEVELS])
{
    memset(leaves, 0, TDX_LEVELS * sizeof(*leaves));
    check_all(m, say_nothing, NULL, leaves);
}
