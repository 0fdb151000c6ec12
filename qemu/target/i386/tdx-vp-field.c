/*
 * TDX module emulation: fields of a virtual processor
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A field's id names its class in bits 61:56 and its code in bits 23:0; the
 * class of VMCS fields has the VMCS encoding as code. What else an id tells,
 * size and context, follows from these. Of a TD that is not for debugging the
 * host reaches only what it needs to run it.
 */
#include "qemu/osdep.h"
#include "target/i386/tdx-td.h"

#define ID(class, code)     ((uint64_t)(class) << 56 | (code))
#define ID_OWN              (1ull << 63)
#define ID_BITS             (ID_OWN | 0x3f00000000ffffffull)

#define VMCS(encoding)      ID(0, encoding)

#define PI_VECTOR           VMCS(0x0002)
#define PI_DESC             VMCS(0x2016)
#define PIN_CONTROLS        VMCS(0x4000)
#define SECONDARY_CONTROLS  VMCS(0x401e)
#define NOTIFY_WINDOW       VMCS(0x4024)
#define SHARED_EPTP         VMCS(0x203c)
#define PEND_NMI            ID(32, 11)
#define STATE_DETAILS       (ID_OWN | ID(17, 0x100))

#define PIN_FIXED           0x3full     /* as every TD has them */
#define PIN_POSTED          (1ull << 7)
#define SECONDARY_FIXED     0x10182full
#define SECONDARY_BUS_LOCK  (1ull << 30)
#define SECONDARY_NOTIFY    (1ull << 31)

uint64_t tdx_vp_field_read(TdxVp *vp, uint64_t field, uint64_t *value)
{
    switch (field & ID_BITS) {
    case PI_VECTOR:
        *value = vp->pi_vector;
        break;
    case PI_DESC:
        *value = vp->pi_desc;
        break;
    case PIN_CONTROLS:
        *value = PIN_FIXED | (vp->posted_interrupts ? PIN_POSTED : 0);
        break;
    case SECONDARY_CONTROLS:
        *value = SECONDARY_FIXED |
                 (vp->bus_lock_exit ? SECONDARY_BUS_LOCK : 0) |
                 (vp->notify_exit ? SECONDARY_NOTIFY : 0);
        break;
    case NOTIFY_WINDOW:
        *value = vp->notify_window;
        break;
    case SHARED_EPTP:
        *value = vp->shared_eptp;
        break;
    case PEND_NMI:
        *value = vp->pend_nmi;
        break;
    case STATE_DETAILS:
        *value = vp->interrupt_pending;
        break;
    default:
        return TDX_METADATA_FIELD_ID_INCORRECT;
    }
    return TDX_SUCCESS;
}

/* Bits that the host may change */
static uint64_t writable(uint64_t field)
{
    switch (field & ID_BITS) {
    case PI_VECTOR:
        return 0xff;
    case PI_DESC:
        return 0x000fffffffffffc0ull;
    case PIN_CONTROLS:
        return PIN_POSTED;
    case SECONDARY_CONTROLS:
        return SECONDARY_BUS_LOCK | SECONDARY_NOTIFY;
    case NOTIFY_WINDOW:
        return UINT32_MAX;
    case SHARED_EPTP:
        return 0x000ffffffffff000ull;
    case PEND_NMI:
        return 1;
    default:
        return 0;
    }
}

static void store(TdxVp *vp, uint64_t field, uint64_t value)
{
    switch (field & ID_BITS) {
    case PI_VECTOR:
        vp->pi_vector = value;
        break;
    case PI_DESC:
        vp->pi_desc = value;
        break;
    case PIN_CONTROLS:
        vp->posted_interrupts = value & PIN_POSTED;
        break;
    case SECONDARY_CONTROLS:
        vp->bus_lock_exit = value & SECONDARY_BUS_LOCK;
        vp->notify_exit = value & SECONDARY_NOTIFY;
        break;
    case NOTIFY_WINDOW:
        vp->notify_window = value;
        break;
    case SHARED_EPTP:
        vp->shared_eptp = value;
        break;
    case PEND_NMI:
        vp->pend_nmi = value;
        break;
    }
}

uint64_t tdx_vp_field_write(TdxVp *vp, uint64_t field, uint64_t value,
                            uint64_t mask)
{
    uint64_t old, new, status = tdx_vp_field_read(vp, field, &old);

    if (status) {
        return status;
    }
    if (!writable(field)) {
        return TDX_METADATA_FIELD_NOT_WRITABLE;
    }
    new = (old & ~mask) | (value & mask);
    if ((old ^ new) & ~writable(field)) {
        return TDX_METADATA_FIELD_VALUE_NOT_VALID;
    }
    store(vp, field, new);
    return TDX_SUCCESS;
}
