/*
 * TDX host emulation: options of the machine
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/ctype.h"
#include "qemu/cutils.h"
#include "qapi/error.h"
#include "qapi/visitor.h"
#include "hw/i386/host-option.h"
#include "hw/i386/tdx-host.h"
#include "hw/qdev-core.h"

#define TDX_BOOL_OPTION(name, field) \
    HOST_BOOL_OPTION("x-tdx", name, tdx_host_of(obj)->field)

TDX_BOOL_OPTION(enabled, enabled)
TDX_BOOL_OPTION(strict, strict)
TDX_BOOL_OPTION(loaded, loaded)
TDX_BOOL_OPTION(demote, module.opt.demote_uninterrupted)

/* @opaque is the offset of the option in TdxOptions */
static unsigned *keyids_of(Object *obj, void *opaque)
{
    return (void *)&tdx_host_of(obj)->module.opt + (uintptr_t)opaque;
}

static void get_keyids(Object *obj, Visitor *v, const char *name,
                       void *opaque, Error **errp)
{
    uint32_t value = *keyids_of(obj, opaque);

    visit_type_uint32(v, name, &value, errp);
}

static void set_keyids(Object *obj, Visitor *v, const char *name,
                       void *opaque, Error **errp)
{
    uint32_t value;

    if (!host_may_set("x-tdx", errp) ||
        !visit_type_uint32(v, name, &value, errp)) {
        return;
    }
    if (value > TDX_MAX_KEYIDS) {
        error_setg(errp, "%s: at most %d", name, TDX_MAX_KEYIDS);
        return;
    }
    *keyids_of(obj, opaque) = value;
}

/* Names of what is injected most; any other status is a number */
static const struct {
    const char *name;
    uint64_t status;
} status_names[] = {
    { "busy", TDX_OPERAND_BUSY },
    { "restart", TDX_INTERRUPTED_RESTARTABLE },
    { "resume", TDX_INTERRUPTED_RESUMABLE },
    { "epoch", TDX_PREVIOUS_TLB_EPOCH_BUSY },
    { "entropy", TDX_RND_NO_ENTROPY },
};

static bool parse_status(const char *text, uint32_t *status)
{
    unsigned int number;

    for (int i = 0; i < ARRAY_SIZE(status_names); i++) {
        if (!strcmp(text, status_names[i].name)) {
            *status = status_names[i].status >> 32;
            return true;
        }
    }
    if (!qemu_isdigit(text[0]) || qemu_strtoui(text, NULL, 0, &number)) {
        return false;
    }
    *status = number;
    return true;
}

/* Parts of NAME:STATUS[:SKIP[:COUNT[:EVERY]]] */
static bool parse_injection(char **part, TdxInjection *in)
{
    unsigned int number[3] = { 0, 1, 0 };

    if (g_strv_length(part) < 2 || g_strv_length(part) > 5 ||
        !parse_status(part[1], &in->status)) {
        return false;
    }
    for (int i = 0; part[2 + i]; i++) {
        if (!qemu_isdigit(part[2 + i][0]) ||
            qemu_strtoui(part[2 + i], NULL, 0, &number[i])) {
            return false;
        }
    }
    in->skip = number[0];
    in->count = number[1];
    in->every = number[2];
    in->seen = 0;
    return true;
}

static const TdxLeaf *leaf_by_name(const char *name)
{
    for (unsigned i = 0; i < TDX_HOST_LEAVES; i++) {
        const TdxLeaf *leaf = tdx_leaf(i);

        if (leaf && !strcasecmp(leaf->name, name)) {
            return leaf;
        }
    }
    return NULL;
}

static void set_inject(Object *obj, const char *value, Error **errp)
{
    TdxModule *m = &tdx_host_of(obj)->module;
    g_auto(GStrv) items = g_strsplit(value, "+", 0);

    for (char **item = items; *item; item++) {
        g_auto(GStrv) part = g_strsplit(*item, ":", 0);
        const TdxLeaf *leaf = part[0] ? leaf_by_name(part[0]) : NULL;

        if (!leaf || !parse_injection(part, &m->inject[leaf->number])) {
            error_setg(errp, "x-tdx-inject: '%s' is not LEAF:STATUS[:SKIP"
                       "[:COUNT[:EVERY]]] of a known leaf", *item);
            return;
        }
    }
}

static char *get_inject(Object *obj, Error **errp)
{
    GString *text = g_string_new(NULL);

    for (unsigned i = 0; i < TDX_HOST_LEAVES; i++) {
        TdxInjection *in = &tdx_host_of(obj)->module.inject[i];

        if (in->count) {
            g_string_append_printf(text, "%s%s:0x%x:%u:%u:%u",
                                   text->len ? "+" : "", tdx_leaf(i)->name,
                                   in->status, in->skip, in->count, in->every);
        }
    }
    return g_string_free(text, false);
}

static void add_keyids(ObjectClass *oc, const char *name, size_t offset,
                       const char *help)
{
    object_class_property_add(oc, name, "uint32", get_keyids, set_keyids,
                              NULL, (void *)offset);
    object_class_property_set_description(oc, name, help);
}

void tdx_host_add_machine_properties(ObjectClass *oc)
{
    host_add_bool(oc, "x-tdx-host", get_enabled, set_enabled,
                  "Emulate a TDX capable host and its TDX module (TCG, Intel CPU)");
    host_add_bool(oc, "x-tdx-strict", get_strict, set_strict,
                  "End with an error on anything unknown or forbidden to a TDX host");
    host_add_bool(oc, "x-tdx-module", get_loaded, set_loaded,
                  "The firmware has loaded the TDX module (default on)");
    host_add_bool(oc, "x-tdx-demote-uninterrupted", get_demote, set_demote,
                  "TDH.MEM.PAGE.DEMOTE runs to its end whatever waits (default on)");
    add_keyids(oc, "x-tdx-keyids", offsetof(TdxOptions, tdx_keyids),
               "Private KeyIDs (default 32); 0: the firmware has TDX off");
    add_keyids(oc, "x-tdx-mktme-keyids", offsetof(TdxOptions, mktme_keyids),
               "KeyIDs below the private ones (default 31)");
    object_class_property_add_str(oc, "x-tdx-inject", get_inject, set_inject);
    object_class_property_set_description(oc, "x-tdx-inject",
        "Faults to inject: LEAF:STATUS[:SKIP[:COUNT[:EVERY]]][+...]");
}
