/*
 * AMD secure processor: reports, derived keys, other answers to a guest
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "cpu.h"
#include "hw/boards.h"
#include "amd-psp-digest.h"
#include "amd-psp-keys.h"
#include "amd-psp-mem.h"
#include "amd-psp-report.h"

/* Results inside a response */
#define RSP_OK            0x00
#define RSP_INVALID_PARAM 0x16
#define RSP_INVALID_KEY   0x27

/* MSG_REPORT_REQ and _RSP */
#define REQ_DATA     0x00
#define REQ_VMPL     0x40
#define REQ_KEY_SEL  0x44
#define REQ_SIZE     0x60
#define   KEY_AUTO     0
#define   KEY_VCEK     1
#define   KEY_VLEK     2
#define RSP_SIZE     0x04
#define RSP_REPORT   0x20

/* ATTESTATION_REPORT */
#define REP_VERSION      0x000
#define REP_SVN          0x004
#define REP_POLICY       0x008
#define REP_FAMILY       0x010
#define REP_IMAGE        0x020
#define REP_VMPL         0x030
#define REP_ALGO         0x034
#define REP_CURRENT_TCB  0x038
#define REP_PLATFORM     0x040
#define   PLATFORM_SMT     (1u << 0)
#define REP_KEYS         0x048
#define   KEYS_AUTHOR      (1u << 0)
#define   KEYS_MASKED      (1u << 1)
#define   KEYS_NONE        (7u << 2)
#define REP_DATA         0x050
#define REP_MEASUREMENT  0x090
#define REP_HOST_DATA    0x0c0
#define REP_ID_KEY       0x0e0
#define REP_AUTHOR_KEY   0x110
#define REP_ID           0x140
#define REP_ID_MA        0x160
#define REP_REPORTED_TCB 0x180
#define REP_CPUID        0x188
#define REP_CHIP         0x1a0
#define REP_COMMITTED    0x1e0
#define REP_BUILD        0x1e8
#define REP_COMMITTED_BUILD 0x1ec
#define REP_LAUNCH_TCB   0x1f0
#define REP_SIGNATURE    0x2a0

#define REPORT_VERSION   3
#define ALGO_ECDSA_P384  1
#define MASK_ID          (1u << 0)
#define MASK_KEY         (1u << 1)

/* MSG_KEY_REQ and _RSP */
#define KEY_ROOT      0x00
#define   ROOT_VMRK     (1u << 0)
#define   ROOT_KEY_SEL(x) (((x) >> 1) & 3)
#define KEY_FIELDS    0x08
#define   FIELD_POLICY  (1u << 0)
#define   FIELD_IMAGE   (1u << 1)
#define   FIELD_FAMILY  (1u << 2)
#define   FIELD_DIGEST  (1u << 3)
#define   FIELD_SVN     (1u << 4)
#define   FIELD_TCB     (1u << 5)
#define   FIELDS_KNOWN  0x3fu
#define KEY_VMPL      0x10
#define KEY_SVN       0x14
#define KEY_TCB       0x18
#define KEY_REQ_SIZE  0x20
#define KEY_DERIVED   0x20
#define KEY_BYTES     32
#define KEY_RSP_SIZE  0x40

#define TSC_SIZE      128
#define TSC_SCALE     0x08
#define TSC_SCALE_ONE (1ull << 32)

static void fail(PSPAnswer *a, uint32_t result, size_t size)
{
    memset(a->out, 0, size);
    stl_le_p(a->out, result);
    a->out_len = size;
}

static void put_version(PSPState *s, uint8_t *p)
{
    p[0] = s->build;
    p[1] = s->api_minor;
    p[2] = s->api_major;
}

static void put_cpu(uint8_t *rep)
{
    uint32_t sig = psp_cpu_signature();

    rep[REP_CPUID] = extract32(sig, 8, 4) + extract32(sig, 20, 8);
    rep[REP_CPUID + 1] = extract32(sig, 4, 4) | extract32(sig, 16, 4) << 4;
    rep[REP_CPUID + 2] = extract32(sig, 0, 4);
}

static void put_guest(PSPContext *ctx, uint8_t *rep)
{
    stl_le_p(rep + REP_SVN, ctx->guest_svn);
    stq_le_p(rep + REP_POLICY, ctx->policy);
    memcpy(rep + REP_FAMILY, ctx->family_id, sizeof(ctx->family_id));
    memcpy(rep + REP_IMAGE, ctx->image_id, sizeof(ctx->image_id));
    memcpy(rep + REP_MEASUREMENT, ctx->digest, PSP_SHA384);
    memcpy(rep + REP_HOST_DATA, ctx->host_data, sizeof(ctx->host_data));
    memcpy(rep + REP_ID_KEY, ctx->id_key_digest, PSP_SHA384);
    memcpy(rep + REP_AUTHOR_KEY, ctx->author_key_digest, PSP_SHA384);
    memcpy(rep + REP_ID, ctx->report_id, sizeof(ctx->report_id));
    stq_le_p(rep + REP_LAUNCH_TCB, ctx->launch_tcb);
}

static void put_migration_agent(PSPAnswer *a, uint8_t *rep)
{
    PSPContext *ma = g_hash_table_lookup(a->psp->contexts,
                                         &a->ctx->ma_paddr);

    if (ma) {
        memcpy(rep + REP_ID_MA, ma->report_id, sizeof(ma->report_id));
    } else {
        memset(rep + REP_ID_MA, 0xff, sizeof(a->ctx->report_id));
    }
}

static void put_platform(PSPState *s, uint8_t *rep)
{
    stl_le_p(rep + REP_VERSION, REPORT_VERSION);
    stl_le_p(rep + REP_ALGO, ALGO_ECDSA_P384);
    stq_le_p(rep + REP_CURRENT_TCB, s->tcb);
    stq_le_p(rep + REP_REPORTED_TCB, s->reported_tcb);
    stq_le_p(rep + REP_COMMITTED, s->committed_tcb);
    stq_le_p(rep + REP_PLATFORM,
             current_machine->smp.threads > 1 ? PLATFORM_SMT : 0);
    put_version(s, rep + REP_BUILD);
    put_version(s, rep + REP_COMMITTED_BUILD);
    put_cpu(rep);
    if (!(s->mask_chip & MASK_ID)) {
        memcpy(rep + REP_CHIP, s->keys->chip_id, PSP_CHIP_ID);
    }
}

/* With the chip's key masked the signature stays zero */
static void sign_report(PSPState *s, uint8_t *rep)
{
    PSPSignature sig;

    if (s->mask_chip & MASK_KEY) {
        return;
    }
    psp_ecdsa_sign(psp_vcek(s, s->reported_tcb), PSP_SHA384, rep,
                   REP_SIGNATURE, &sig);
    psp_field(rep + REP_SIGNATURE, sig.r);
    psp_field(rep + REP_SIGNATURE + PSP_ECC_FIELD, sig.s);
}

static uint32_t check_key_select(PSPAnswer *a, uint32_t select)
{
    switch (select) {
    case KEY_AUTO:
    case KEY_VCEK:
        return a->ctx->vcek_disabled ? RSP_INVALID_KEY : RSP_OK;
    case KEY_VLEK:
        return RSP_INVALID_KEY;
    default:
        return RSP_INVALID_PARAM;
    }
}

/* A guest may ask for its own VMPL and for less privileged ones */
static bool vmpl_allowed(PSPAnswer *a, uint32_t vmpl)
{
    return vmpl < SNP_VMPLS && vmpl >= a->vmpck;
}

void psp_answer_report(PSPAnswer *a)
{
    uint8_t *rep = a->out + RSP_REPORT;
    uint32_t vmpl, select, result, keys;

    if (a->in_len != REQ_SIZE) {
        fail(a, RSP_INVALID_PARAM, RSP_REPORT);
        return;
    }
    vmpl = ldl_le_p(a->in + REQ_VMPL);
    select = ldl_le_p(a->in + REQ_KEY_SEL);
    result = vmpl_allowed(a, vmpl) ? check_key_select(a, select)
                                   : RSP_INVALID_PARAM;
    if (result) {
        fail(a, result, RSP_REPORT);
        return;
    }
    put_platform(a->psp, rep);
    put_guest(a->ctx, rep);
    put_migration_agent(a, rep);
    keys = (a->ctx->auth_key ? KEYS_AUTHOR : 0) |
           (a->psp->mask_chip & MASK_KEY ? KEYS_MASKED | KEYS_NONE : 0);
    stl_le_p(rep + REP_KEYS, keys);
    stl_le_p(rep + REP_VMPL, vmpl);
    memcpy(rep + REP_DATA, a->in + REQ_DATA, REQ_VMPL);
    sign_report(a->psp, rep);
    stl_le_p(a->out + RSP_SIZE, PSP_REPORT_SIZE);
    a->out_len = RSP_REPORT + PSP_REPORT_SIZE;
}

/* Everything the guest asked the key to depend on, and nothing else */
static GByteArray *key_context(PSPAnswer *a, uint64_t fields)
{
    PSPContext *ctx = a->ctx;
    GByteArray *data = g_byte_array_new();
    uint64_t policy = cpu_to_le64(ctx->policy);

    g_byte_array_append(data, a->in + KEY_FIELDS, 12);
    if (fields & FIELD_POLICY) {
        g_byte_array_append(data, (uint8_t *)&policy, sizeof(policy));
    }
    if (fields & FIELD_IMAGE) {
        g_byte_array_append(data, ctx->image_id, sizeof(ctx->image_id));
    }
    if (fields & FIELD_FAMILY) {
        g_byte_array_append(data, ctx->family_id, sizeof(ctx->family_id));
    }
    if (fields & FIELD_DIGEST) {
        g_byte_array_append(data, ctx->digest, sizeof(ctx->digest));
    }
    if (fields & FIELD_SVN) {
        g_byte_array_append(data, a->in + KEY_SVN, 4);
    }
    if (fields & FIELD_TCB) {
        g_byte_array_append(data, a->in + KEY_TCB, 8);
    }
    return data;
}

static bool key_request_ok(PSPAnswer *a)
{
    uint32_t root = ldl_le_p(a->in + KEY_ROOT);
    uint64_t fields = ldq_le_p(a->in + KEY_FIELDS);

    return a->in_len == KEY_REQ_SIZE &&
           !(root & ROOT_VMRK) && ROOT_KEY_SEL(root) <= KEY_VCEK &&
           !(fields & ~(uint64_t)FIELDS_KNOWN) &&
           vmpl_allowed(a, ldl_le_p(a->in + KEY_VMPL)) &&
           ldl_le_p(a->in + KEY_SVN) <= a->ctx->guest_svn &&
           ldq_le_p(a->in + KEY_TCB) <= a->psp->committed_tcb;
}

/* The root is the VCEK; without a migration agent there is no VMRK */
void psp_answer_key(PSPAnswer *a)
{
    g_autoptr(GByteArray) data = NULL;

    if (!key_request_ok(a)) {
        fail(a, RSP_INVALID_PARAM, KEY_RSP_SIZE);
        return;
    }
    data = key_context(a, ldq_le_p(a->in + KEY_FIELDS));
    psp_derive(psp_vcek(a->psp, a->psp->reported_tcb), PSP_ECC_SIZE,
               "guest key", data->data, data->len, a->out + KEY_DERIVED,
               KEY_BYTES);
    a->out_len = KEY_RSP_SIZE;
}

/* A table as in the CPUID page: it comes back corrected */
void psp_answer_cpuid(PSPAnswer *a)
{
    uint8_t page[PSP_PAGE_SIZE] = { 0 };

    if (a->in_len < 16) {
        fail(a, RSP_INVALID_PARAM, 16);
        return;
    }
    memcpy(page, a->in, a->in_len);
    stl_le_p(a->out, psp_check_cpuid(page));
    memcpy(a->out + 4, page, 4);
    memcpy(a->out + 16, page + 16, a->in_len - 16);
    a->out_len = a->in_len;
}

/* Guests see the host's TSC */
void psp_answer_tsc(PSPAnswer *a)
{
    if (a->in_len != TSC_SIZE) {
        fail(a, RSP_INVALID_PARAM, TSC_SIZE);
        return;
    }
    stq_le_p(a->out + TSC_SCALE, TSC_SCALE_ONE);
    a->out_len = TSC_SIZE;
}
