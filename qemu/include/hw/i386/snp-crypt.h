/*
 * SEV-SNP host emulation: who reads what of memory
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * RAM holds what the owner of the page reads: the hypervisor's plaintext for
 * ASID 0, else the guest's. Everybody else reads it encrypted with the key
 * of the owner's ASID, AES-XTS with the physical address as tweak. When the
 * ASID of a page changes, its content is encrypted with the old key and
 * decrypted with the new one, so that neither owner reads the other's data.
 * A key lives from the activation of a guest to the next one of its ASID.
 */
#ifndef HW_I386_SNP_CRYPT_H
#define HW_I386_SNP_CRYPT_H

#include "exec/hwaddr.h"

#define SNP_KEY_SIZE 32

/*
 * Reads with this address bit deliver the ciphertext of the page below. It
 * lies above every address that the CPU's page tables can name.
 */
#define SNP_CIPHERTEXT_BIT (1ull << 51)

void snp_crypt_init(void);

/* A new key for @asid; without one, memory of that ASID is not encrypted */
void snp_key_set(uint32_t asid, const uint8_t key[SNP_KEY_SIZE]);
void snp_key_clear(uint32_t asid);
bool snp_key_any(void);

/* The page goes from one ASID to another */
void snp_page_rekey(hwaddr spa, uint32_t from, uint32_t to);

/*
 * Read what the hypervisor sees, whoever owns the pages. A launch command
 * reads its input so: the host wrote the page before it assigned it.
 * Returns false when there is no RAM at the address.
 */
bool snp_mem_host_view(hwaddr spa, void *buf, size_t len);

#endif
