/*
 * SEV-SNP host emulation: options of the machine
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/ctype.h"
#include "qemu/cutils.h"
#include "qapi/error.h"
#include "hw/i386/host-option.h"
#include "hw/i386/snp-host.h"
#include "hw/qdev-core.h"

#define SNP_NAME(id, name) name,
static const char *const inject_names[] = { SNP_INJECTS(SNP_NAME) };
static const char *const format_names[] = {
    [SNP_RMP_RAW] = "raw",
    [SNP_RMP_RMPREAD] = "rmpread",
    [SNP_RMP_SEGMENTED] = "segmented",
};

#define SNP_BOOL_OPTION(field) \
    HOST_BOOL_OPTION("x-snp", field, snp_host_of(obj)->field)

SNP_BOOL_OPTION(enabled)
SNP_BOOL_OPTION(strict)
SNP_BOOL_OPTION(crypt)
SNP_BOOL_OPTION(repeat_keeps)
SNP_BOOL_OPTION(immutable_open)

static char *get_format(Object *obj, Error **errp)
{
    return g_strdup(format_names[snp_host_of(obj)->format]);
}

static void set_format(Object *obj, const char *value, Error **errp)
{
    if (!host_may_set("x-snp", errp)) {
        return;
    }
    for (int i = 0; i < ARRAY_SIZE(format_names); i++) {
        if (!strcmp(value, format_names[i])) {
            snp_host_of(obj)->format = i;
            return;
        }
    }
    error_setg(errp, "x-snp-rmp: '%s' is not one of raw, rmpread, segmented",
               value);
}

/* Up to four numbers, each behind a colon, and nothing else */
static bool parse_injection(const char *text, SNPInjection *in)
{
    unsigned int number[4] = { 0, 1, 0, 0 };

    for (int i = 0; *text; i++) {
        if (i == ARRAY_SIZE(number) || text[0] != ':' ||
            !qemu_isdigit(text[1]) ||
            qemu_strtoui(text + 1, &text, 0, &number[i])) {
            return false;
        }
    }
    *in = (SNPInjection) { number[0], number[1], number[2], number[3] };
    return true;
}

/* NAME[:SKIP[:COUNT[:MATCH[:VALUE]]]], several separated by '+' */
static void set_inject(Object *obj, const char *value, Error **errp)
{
    SNPHostState *host = snp_host_of(obj);
    g_auto(GStrv) items = g_strsplit(value, "+", 0);

    for (char **item = items; *item; item++) {
        size_t len = strcspn(*item, ":");
        bool known = false;

        for (int i = 0; i < SNP_INJECT__MAX && !known; i++) {
            known = strlen(inject_names[i]) == len &&
                    !strncmp(*item, inject_names[i], len) &&
                    parse_injection(*item + len, &host->inject[i]);
        }
        if (!known) {
            error_setg(errp, "x-snp-inject: '%s' is not NAME[:SKIP[:COUNT"
                       "[:MATCH[:VALUE]]]] of a known point", *item);
            return;
        }
    }
}

static char *get_inject(Object *obj, Error **errp)
{
    GString *text = g_string_new(NULL);

    for (int i = 0; i < SNP_INJECT__MAX; i++) {
        SNPInjection *in = &snp_host_of(obj)->inject[i];

        if (in->count) {
            g_string_append_printf(text, "%s%s:%u:%u:0x%x:0x%x",
                                   text->len ? "+" : "", inject_names[i],
                                   in->skip, in->count, in->match, in->value);
        }
    }
    return g_string_free(text, false);
}

void snp_host_add_machine_properties(ObjectClass *oc)
{
    host_add_bool(oc, "x-snp-host", get_enabled, set_enabled,
                  "Emulate an SEV, SEV-ES and SEV-SNP capable host (TCG, AMD CPU)");
    host_add_bool(oc, "x-snp-strict", get_strict, set_strict,
                  "End with an error on anything unknown or forbidden to an SNP host");
    host_add_bool(oc, "x-snp-crypt", get_crypt, set_crypt,
                  "Show ciphertext to whoever does not own a page (default on)");
    host_add_bool(oc, "x-snp-quirk-repeat-keeps", get_repeat_keeps,
                  set_repeat_keeps,
                  "An RMPUPDATE that repeats an assignment keeps what the guest did");
    host_add_bool(oc, "x-snp-quirk-immutable-open", get_immutable_open,
                  set_immutable_open,
                  "A guest may use a page of its own that is immutable");
    object_class_property_add_str(oc, "x-snp-rmp", get_format, set_format);
    object_class_property_set_description(oc, "x-snp-rmp",
        "Layout of the RMP: raw (default), rmpread, segmented");
    object_class_property_add_str(oc, "x-snp-inject", get_inject, set_inject);
    object_class_property_set_description(oc, "x-snp-inject",
        "Faults to inject: NAME[:SKIP[:COUNT[:MATCH[:VALUE]]]][+...]");
}
