/*
 * TDX module emulation: how a host configures a TD, and fields of a TD
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "qemu/cutils.h"
#include "target/i386/tdx-meta.h"
#include "target/i386/tdx-td.h"

#define EPTP_MEMTYPE_WB     6
#define EPTP_LEVELS(eptp)   (((eptp) >> 3) & 7)
#define EPTP_RESERVED       (~0x3full)

#define TSC_FREQUENCY_MIN   4       /* 25 MHz each */
#define TSC_FREQUENCY_MAX   400

#define CONFIG_KNOWN        (TDX_CONFIG_GPAW | TDX_CONFIG_FLEX_PENDING_VE | \
                             TDX_CONFIG_NO_RBP_MOD)

#define ID(class, code)     ((uint64_t)(class) << 56 | (code))
#define ID_OWN              (1ull << 63)
#define ID_BITS             (ID_OWN | 0x3f00000000ffffffull)

#define TSC_OFFSET          ID(17, 10)
#define TSC_MULTIPLIER      ID(17, 11)
#define ATTRIBUTES          ID(17, 0)
#define XFAM                ID(17, 1)
#define MAX_VCPUS           ID(17, 2)
#define GPAW                ID(17, 3)
#define CONFIG_FLAGS        ID(17, 0x16)
#define TD_CTLS             ID(17, 0x17)
#define NOTIFY_ENABLES      (ID_OWN | ID(17, 0x10))
#define TOPOLOGY_CONFIGURED (ID_OWN | ID(17, 0x19))
#define CPUID_VALUES        (ID_OWN | ID(20, 0))
#define CPUID_CLASS         (ID_OWN | 0x3f00000000000000ull)

bool tdx_read_shared(TdxModule *m, uint64_t pa, void *to, uint64_t len)
{
    uint64_t tdr;

    if (tdx_pamt_owner(m, pa, &tdr) > TDX_PT_RSVD) {
        tdx_guest_error(m, "source 0x%" PRIx64 " is a page of TD 0x%" PRIx64,
                        pa, tdr);
    }
    return tdx_read(m, pa, to, len);
}

static bool eptp_valid(uint64_t eptp, bool gpaw52)
{
    unsigned levels = EPTP_LEVELS(eptp);

    return (eptp & 7) == EPTP_MEMTYPE_WB && !(eptp & EPTP_RESERVED) &&
           (levels == 3 || levels == 4) && !(gpaw52 && levels < 4);
}

static bool reserved_zero(const TdxTdParams *p)
{
    return buffer_is_zero(p->reserved0, sizeof(p->reserved0)) &&
           buffer_is_zero(p->reserved1, sizeof(p->reserved1)) &&
           buffer_is_zero(p->reserved2, sizeof(p->reserved2));
}

/* Bits that a host may choose, in the order of the list; the rest is zero */
static bool cpuid_valid(const TdxTdParams *p, uint64_t *detail)
{
    for (unsigned i = 0; i < ARRAY_SIZE(p->cpuid); i++) {
        const TdxCpuidConfig *k = &tdx_cpuid_config[i];
        const uint32_t *v = p->cpuid[i];

        if (i >= tdx_nr_cpuid_config) {
            if (!buffer_is_zero(v, sizeof(p->cpuid[i]))) {
                return false;
            }
        } else if ((le32_to_cpu(v[0]) & ~k->eax) ||
                   (le32_to_cpu(v[1]) & ~k->ebx) ||
                   (le32_to_cpu(v[2]) & ~k->ecx) ||
                   (le32_to_cpu(v[3]) & ~k->edx)) {
            *detail = k->leaf | (uint64_t)k->subleaf << 32;
            return false;
        }
    }
    return true;
}

static int cpuid_index(uint32_t leaf, uint32_t subleaf)
{
    for (unsigned i = 0; i < tdx_nr_cpuid_config; i++) {
        if (tdx_cpuid_config[i].leaf == leaf &&
            tdx_cpuid_config[i].subleaf == subleaf) {
            return i;
        }
    }
    return -1;
}

/* The order of the fields is the order of the checks */
static uint64_t params_check(const TdxTdParams *p, uint64_t *detail)
{
    uint64_t attributes = le64_to_cpu(p->attributes);
    uint64_t xfam = le64_to_cpu(p->xfam);
    uint64_t config = le64_to_cpu(p->config_flags);
    uint16_t frequency = le16_to_cpu(p->tsc_frequency);

    if (attributes & ~TDX_ATTRIBUTES_FIXED0) {
        return tdx_operand_invalid(TDX_OPERAND_ATTRIBUTES);
    }
    if ((xfam & ~TDX_XFAM_FIXED0) || (~xfam & TDX_XFAM_FIXED1)) {
        return tdx_operand_invalid(TDX_OPERAND_XFAM);
    }
    if (!p->max_vcpus) {
        return tdx_operand_invalid(TDX_OPERAND_MAX_VCPUS);
    }
    if (p->num_l2_vms) {
        return tdx_operand_invalid(TDX_OPERAND_NUM_L2_VMS);
    }
    if (config & ~CONFIG_KNOWN) {
        return tdx_operand_invalid(TDX_OPERAND_EXEC_CONTROLS);
    }
    if (!eptp_valid(le64_to_cpu(p->eptp_controls), config & TDX_CONFIG_GPAW)) {
        return tdx_operand_invalid(TDX_OPERAND_EPTP_CONTROLS);
    }
    if (frequency < TSC_FREQUENCY_MIN || frequency > TSC_FREQUENCY_MAX) {
        return tdx_operand_invalid(TDX_OPERAND_TSC_FREQUENCY);
    }
    if (!reserved_zero(p)) {
        return tdx_operand_invalid(TDX_OPERAND_RDX);
    }
    if (!cpuid_valid(p, detail)) {
        return tdx_operand_invalid(TDX_OPERAND_CPUID_CONFIG);
    }
    return TDX_SUCCESS;
}

uint64_t tdx_params_set(TdxTd *td, const TdxTdParams *params,
                        uint64_t *detail)
{
    uint64_t status = params_check(params, detail);
    uint64_t config = le64_to_cpu(params->config_flags);

    if (status) {
        return status;
    }
    td->params = *params;
    td->gpaw52 = config & TDX_CONFIG_GPAW;
    td->top = EPTP_LEVELS(le64_to_cpu(params->eptp_controls));
    td->td_ctls = le64_to_cpu(params->attributes) & TDX_ATTR_SEPT_VE_DISABLE
                  ? TDX_CTLS_PENDING_VE_DISABLE : 0;
    return TDX_SUCCESS;
}

/* The field's code: leaf's bit 31 and 6:0, subleaf, half of the four values */
static uint64_t cpuid_field(const TdxTd *td, uint64_t field, uint64_t *value)
{
    uint32_t leaf = (field & (1u << 16) ? 1u << 31 : 0) | ((field >> 9) & 0x7f);
    uint32_t subleaf = (field & 0x1fe) == 0x1fe ? UINT32_MAX
                                                : (field >> 1) & 0x7f;
    int i = cpuid_index(leaf, subleaf);
    const uint32_t *regs;

    if (i < 0) {
        return TDX_METADATA_FIELD_ID_INCORRECT;
    }
    regs = &td->params.cpuid[i][field & 1 ? 2 : 0];
    *value = le32_to_cpu(regs[0]) | (uint64_t)le32_to_cpu(regs[1]) << 32;
    return TDX_SUCCESS;
}

uint64_t tdx_td_field(const TdxTd *td, uint64_t field, uint64_t *value)
{
    if ((field & CPUID_CLASS) == CPUID_VALUES) {
        return cpuid_field(td, field, value);
    }
    switch (field & ID_BITS) {
    case ATTRIBUTES:
        *value = le64_to_cpu(td->params.attributes);
        break;
    case XFAM:
        *value = le64_to_cpu(td->params.xfam);
        break;
    case MAX_VCPUS:
        *value = le16_to_cpu(td->params.max_vcpus);
        break;
    case GPAW:
        *value = td->gpaw52;
        break;
    case TSC_OFFSET:
        *value = td->tsc_offset;
        break;
    case TSC_MULTIPLIER:
        *value = 1ull << 48;
        break;
    case CONFIG_FLAGS:
        *value = le64_to_cpu(td->params.config_flags);
        break;
    case TD_CTLS:
        *value = td->td_ctls;
        break;
    case NOTIFY_ENABLES:
        *value = td->notify_enables;
        break;
    case TOPOLOGY_CONFIGURED:
        *value = 1;
        break;
    default:
        return TDX_METADATA_FIELD_ID_INCORRECT;
    }
    return TDX_SUCCESS;
}

/* Bits that the TD may change */
static uint64_t writable(const TdxTd *td, uint64_t field)
{
    uint64_t config = le64_to_cpu(td->params.config_flags);

    switch (field & ID_BITS) {
    case TD_CTLS:
        return TDX_CTLS_ENUM_TOPOLOGY | (config & TDX_CONFIG_FLEX_PENDING_VE
                                         ? TDX_CTLS_PENDING_VE_DISABLE : 0);
    case NOTIFY_ENABLES:
        return 1;
    default:
        return 0;
    }
}

uint64_t tdx_td_field_write(TdxTd *td, uint64_t field, uint64_t value)
{
    uint64_t old, status = tdx_td_field(td, field, &old);

    if (status) {
        return status;
    }
    if (!writable(td, field)) {
        return TDX_METADATA_FIELD_NOT_WRITABLE;
    }
    if ((old ^ value) & ~writable(td, field)) {
        return TDX_METADATA_FIELD_VALUE_NOT_VALID;
    }
    if ((field & ID_BITS) == TD_CTLS) {
        td->td_ctls = value;
    } else {
        td->notify_enables = value;
    }
    return TDX_SUCCESS;
}
