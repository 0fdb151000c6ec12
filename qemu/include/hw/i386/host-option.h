/*
 * Options of an emulated host: booleans of the machine, kept by its host
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HW_I386_HOST_OPTION_H
#define HW_I386_HOST_OPTION_H

#include "qapi/error.h"
#include "hw/qdev-core.h"

/*
 * CPUs and memory are built by the options, so none changes afterwards but the
 * faults to inject. @prefix is what the names of the host's options begin with.
 */
static inline bool host_may_set(const char *prefix, Error **errp)
{
    if (phase_check(PHASE_MACHINE_INITIALIZED)) {
        error_setg(errp, "of the %s options only %s-inject can be set "
                   "once the machine is built", prefix, prefix);
        return false;
    }
    return true;
}

/* The accessors get_@name() and set_@name() of @field, which may name obj */
#define HOST_BOOL_OPTION(prefix, name, field)                           \
static bool get_##name(Object *obj, Error **errp)                       \
{                                                                       \
    return field;                                                       \
}                                                                       \
static void set_##name(Object *obj, bool value, Error **errp)           \
{                                                                       \
    if (host_may_set(prefix, errp)) {                            \
        field = value;                                                  \
    }                                                                   \
}

static inline void host_add_bool(ObjectClass *oc, const char *name,
                                 bool (*get)(Object *, Error **),
                                 void (*set)(Object *, bool, Error **),
                                 const char *help)
{
    object_class_property_add_bool(oc, name, get, set);
    object_class_property_set_description(oc, name, help);
}

#endif
