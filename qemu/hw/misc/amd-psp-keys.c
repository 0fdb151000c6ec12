/*
 * AMD secure processor: keys of the chip, and their export
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The VCEK depends on the chip and the reported TCB, as on hardware: after
 * SNP_CONFIG lowers the reported TCB, another key signs.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "amd-psp-keys.h"
#include "trace.h"

#define PSP_DEFAULT_SEED "amd-psp"

/* SubjectPublicKeyInfo of an uncompressed P-384 point, up to the point */
static const uint8_t spki_p384[] = {
    0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02,
    0x01, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22, 0x03, 0x62, 0x00, 0x04,
};

static char *public_pem(const uint8_t *scalar)
{
    g_autofree char *base64 = NULL;
    GString *pem = g_string_new("-----BEGIN PUBLIC KEY-----\n");
    uint8_t der[sizeof(spki_p384) + sizeof(PSPPoint)];
    PSPPoint pub;

    psp_ecc_public(scalar, &pub);
    memcpy(der, spki_p384, sizeof(spki_p384));
    memcpy(der + sizeof(spki_p384), &pub, sizeof(pub));
    base64 = g_base64_encode(der, sizeof(der));
    for (const char *p = base64; *p; p += MIN(64, strlen(p))) {
        g_string_append_printf(pem, "%.64s\n", p);
    }
    g_string_append(pem, "-----END PUBLIC KEY-----\n");
    return g_string_free(pem, false);
}

static char *hex(const uint8_t *data, size_t len)
{
    GString *out = g_string_new(NULL);

    for (size_t i = 0; i < len; i++) {
        g_string_append_printf(out, "%02x", data[i]);
    }
    g_string_append_c(out, '\n');
    return g_string_free(out, false);
}

static bool write_file(const char *dir, const char *name, const char *text,
                       Error **errp)
{
    g_autofree char *path = g_build_filename(dir, name, NULL);
    g_autoptr(GError) err = NULL;

    if (!g_file_set_contents(path, text, -1, &err)) {
        error_setg(errp, "amd-psp: export: %s; create the directory or leave "
                   "'export' out", err->message);
        return false;
    }
    return true;
}

static bool export_keys(PSPState *s, uint64_t tcb, const uint8_t *vcek,
                        const PSPKeys *keys, Error **errp)
{
    g_autofree char *pem = public_pem(vcek);
    g_autofree char *id = hex(keys->chip_id, PSP_CHIP_ID);
    g_autofree char *name = g_strdup_printf("vcek-%016" PRIx64 ".pub", tcb);
    g_autofree char *version = g_strdup_printf("%016" PRIx64 "\n", tcb);

    return !s->export_dir ||
           (write_file(s->export_dir, name, pem, errp) &&
            write_file(s->export_dir, "vcek.pub", pem, errp) &&
            write_file(s->export_dir, "chip_id", id, errp) &&
            write_file(s->export_dir, "tcb", version, errp));
}

static void derive_vcek(PSPKeys *keys, uint64_t tcb)
{
    uint64_t le = cpu_to_le64(tcb);

    psp_ecc_scalar(keys->secret, sizeof(keys->secret), "VCEK", &le,
                   sizeof(le), keys->vcek);
    keys->vcek_tcb = tcb;
}

const uint8_t *psp_vcek(PSPState *s, uint64_t tcb)
{
    PSPKeys *keys = s->keys;
    Error *err = NULL;

    if (keys->vcek_tcb != tcb) {
        derive_vcek(keys, tcb);
        if (!export_keys(s, tcb, keys->vcek, keys, &err)) {
            warn_report_err(err);
        }
    }
    return keys->vcek;
}

void psp_pdh_renew(PSPKeys *keys)
{
    uint32_t n[2] = { keys->pek_count, keys->pdh_count++ };

    psp_ecc_scalar(keys->secret, sizeof(keys->secret), "PDH", n, sizeof(n),
                   keys->pdh);
}

void psp_pek_renew(PSPKeys *keys)
{
    uint32_t n = keys->pek_count++;

    psp_ecc_scalar(keys->secret, sizeof(keys->secret), "PEK", &n, sizeof(n),
                   keys->pek);
    psp_pdh_renew(keys);
}

PSPKeys *psp_keys_new(PSPState *s, Error **errp)
{
    const char *seed = s->seed ? s->seed : PSP_DEFAULT_SEED;
    PSPKeys *keys = g_new0(PSPKeys, 1);

    psp_derive(seed, strlen(seed), "chip", NULL, 0, keys->secret,
               sizeof(keys->secret));
    psp_derive(keys->secret, sizeof(keys->secret), "chip id", NULL, 0,
               keys->chip_id, sizeof(keys->chip_id));
    derive_vcek(keys, s->tcb);
    psp_pek_renew(keys);
    if (!export_keys(s, s->tcb, keys->vcek, keys, errp)) {
        psp_keys_free(keys);
        return NULL;
    }
    return keys;
}

void psp_keys_free(PSPKeys *keys)
{
    g_free(keys);
}
