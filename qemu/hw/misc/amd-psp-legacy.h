/*
 * AMD secure processor: SEV and SEV-ES guests
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HW_MISC_AMD_PSP_LEGACY_H
#define HW_MISC_AMD_PSP_LEGACY_H

#include "amd-psp-crypto.h"

#define LEGACY_POLICY_NODBG  (1u << 0)
#define LEGACY_POLICY_NOKS   (1u << 1)
#define LEGACY_POLICY_ES     (1u << 2)
#define LEGACY_POLICY_NOSEND (1u << 3)
#define LEGACY_POLICY_DOMAIN (1u << 4)
#define LEGACY_POLICY_MAJOR(p) (((p) >> 16) & 0xff)
#define LEGACY_POLICY_MINOR(p) (((p) >> 24) & 0xff)

/* Release every guest and its ASID */
void psp_legacy_free_all(PSPState *s);

/* The guest that the handle at offset 0 of the buffer names */
PSPLegacyGuest *psp_legacy_guest(PSPReq *req, uint32_t *status);

/* The same in a given state; active: with an ASID bound to it */
PSPLegacyGuest *psp_legacy_guest_in(PSPReq *req, PSPLegacyState state,
                                    uint32_t *status);
PSPLegacyGuest *psp_active_guest(PSPReq *req, PSPLegacyState state,
                                 uint32_t *status);

/* A new guest, by LAUNCH_START or RECEIVE_START: their buffers are equal */
uint32_t psp_guest_start(PSPReq *req, PSPLegacyState state);

/*
 * The transport keys that the guest's owner wrapped for this platform;
 * BAD_MEASUREMENT or INVALID_CERTIFICATE if they do not unwrap.
 */
uint32_t psp_session_open(PSPState *s, PSPLegacyGuest *g, uint64_t dh_paddr,
                          uint32_t dh_len, uint64_t session_paddr,
                          uint32_t session_len);

/* New transport keys for @g, wrapped for the platform with the PDH @peer */
#define PSP_SESSION_SIZE 0x80
bool psp_session_make(PSPState *s, PSPLegacyGuest *g, const uint8_t *peer,
                      uint8_t session[PSP_SESSION_SIZE]);

/*
 * Packets under the transport keys: a header of flags, IV and MAC, and the
 * data. The label keeps one kind from passing for another.
 */
#define PSP_PACKET_HDR   52
#define PSP_PACKET_FLAGS 0
#define PSP_PACKET_IV    4
#define PSP_PACKET_MAC   20
#define PSP_PACKET_MAX   0x4000u

typedef enum PSPPacketLabel {
    PSP_PACKET_SECRET = 1,
    PSP_PACKET_DATA,
    PSP_PACKET_VMSA,
} PSPPacketLabel;

void psp_packet_mac(PSPLegacyGuest *g, PSPPacketLabel label,
                    const uint8_t *hdr, const uint8_t *data,
                    uint32_t guest_len, uint32_t len, uint8_t mac[PSP_SHA256]);

/* Check a packet and decrypt it in place */
uint32_t psp_packet_open(PSPLegacyGuest *g, PSPPacketLabel label,
                         const uint8_t *hdr, uint8_t *data, uint32_t guest_len,
                         uint32_t len);

/* Sign with the platform endorsement key, in the firmware's format */
#define PSP_CERT_SIG (2 * PSP_ECC_FIELD)
void psp_pek_sign(PSPState *s, const void *data, size_t len,
                  uint8_t sig[PSP_CERT_SIG]);

#endif
