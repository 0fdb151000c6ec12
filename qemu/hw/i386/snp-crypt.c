/*
 * SEV-SNP host emulation: who reads what of memory
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "qemu/lockable.h"
#include "qapi/error.h"
#include "crypto/cipher.h"
#include "exec/address-spaces.h"
#include "exec/memory.h"
#include "hw/i386/snp-host.h"
#include "hw/i386/snp-crypt.h"
#include "target/i386/snp-rmp.h"

#define MAX_ASIDS 1024

static QemuMutex key_lock;
static QCryptoCipher *keys[MAX_ASIDS];
static MemoryRegion ciphertext_mr;

/* The key lock is held: combine one page in place with the key of @asid */
static void page_crypt(uint32_t asid, hwaddr spa, uint8_t *page, bool encrypt)
{
    QCryptoCipher *key = asid < MAX_ASIDS ? keys[asid] : NULL;
    uint8_t tweak[16] = { };

    if (!key) {
        return;
    }
    stq_le_p(tweak, spa);
    qcrypto_cipher_setiv(key, tweak, sizeof(tweak), &error_abort);
    if (encrypt) {
        qcrypto_cipher_encrypt(key, page, page, SNP_PAGE_SIZE, &error_abort);
    } else {
        qcrypto_cipher_decrypt(key, page, page, SNP_PAGE_SIZE, &error_abort);
    }
}

void snp_key_clear(uint32_t asid)
{
    if (asid < MAX_ASIDS) {
        QEMU_LOCK_GUARD(&key_lock);
        qcrypto_cipher_free(keys[asid]);
        keys[asid] = NULL;
    }
}

bool snp_key_any(void)
{
    QEMU_LOCK_GUARD(&key_lock);
    for (int asid = 0; asid < MAX_ASIDS; asid++) {
        if (keys[asid]) {
            return true;
        }
    }
    return false;
}

void snp_key_set(uint32_t asid, const uint8_t key[SNP_KEY_SIZE])
{
    SNPHostState *host = snp_host_get();
    QCryptoCipher *cipher;

    snp_key_clear(asid);
    if (!host || !host->crypt || !asid || asid >= MAX_ASIDS) {
        return;
    }
    cipher = qcrypto_cipher_new(QCRYPTO_CIPHER_ALGO_AES_128,
                                QCRYPTO_CIPHER_MODE_XTS, key, SNP_KEY_SIZE,
                                &error_abort);
    QEMU_LOCK_GUARD(&key_lock);
    keys[asid] = cipher;
}

void snp_page_rekey(hwaddr spa, uint32_t from, uint32_t to)
{
    uint8_t page[SNP_PAGE_SIZE];

    QEMU_LOCK_GUARD(&key_lock);
    if (!keys[from % MAX_ASIDS] && !keys[to % MAX_ASIDS]) {
        return;
    }
    address_space_read(&address_space_memory, spa, MEMTXATTRS_UNSPECIFIED,
                       page, sizeof(page));
    page_crypt(from, spa, page, true);
    page_crypt(to, spa, page, false);
    address_space_write(&address_space_memory, spa, MEMTXATTRS_UNSPECIFIED,
                        page, sizeof(page));
}

/* The page as somebody reads it who does not own it */
static bool page_host_view(hwaddr spa, uint8_t *page)
{
    SNPRmpEntry e;
    void *ram = snp_host_ram_ptr(spa);

    if (!ram) {
        return false;
    }
    snp_rmp_get(spa, &e);
    memcpy(page, ram, SNP_PAGE_SIZE);
    QEMU_LOCK_GUARD(&key_lock);
    page_crypt(e.asid, spa, page, true);
    return true;
}

bool snp_mem_host_view(hwaddr spa, void *buf, size_t len)
{
    uint8_t page[SNP_PAGE_SIZE];
    uint8_t *out = buf;

    while (len) {
        size_t offset = spa % SNP_PAGE_SIZE;
        size_t n = MIN(len, SNP_PAGE_SIZE - offset);

        if (!page_host_view(spa - offset, page)) {
            return false;
        }
        memcpy(out, page + offset, n);
        out += n;
        spa += n;
        len -= n;
    }
    return true;
}

static uint64_t ciphertext_read(void *opaque, hwaddr addr, unsigned size)
{
    uint64_t value = 0;

    snp_mem_host_view(addr, &value, size);
    return le64_to_cpu(value);
}

/* The RMP forbids the write before it gets here; a race may still arrive */
static void ciphertext_write(void *opaque, hwaddr addr, uint64_t value,
                             unsigned size)
{
}

static const MemoryRegionOps ciphertext_ops = {
    .read = ciphertext_read,
    .write = ciphertext_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = { .min_access_size = 1, .max_access_size = 8,
               .unaligned = true },
    .impl = { .min_access_size = 1, .max_access_size = 8,
              .unaligned = true },
};

void snp_crypt_init(void)
{
    SNPHostState *host = snp_host_get();

    qemu_mutex_init(&key_lock);
    memory_region_init_io(&ciphertext_mr, OBJECT(host), &ciphertext_ops, NULL,
                          "snp-ciphertext", host->rmp_covered);
    memory_region_add_subregion(get_system_memory(), SNP_CIPHERTEXT_BIT,
                                &ciphertext_mr);
}
