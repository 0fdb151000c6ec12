/*
 * AMD secure processor: memory as the firmware sees it
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The secure processor is not subject to the RMP or the IOMMU; it checks the
 * state of a page itself before it writes. Every function that can fail
 * returns a status of the firmware, and a failure changes nothing.
 */
#ifndef HW_MISC_AMD_PSP_MEM_H
#define HW_MISC_AMD_PSP_MEM_H

#include "amd-psp-int.h"
#include "target/i386/snp-rmp.h"

uint64_t psp_clear_cbit(uint64_t paddr);

/* Memory as the page's owner sees it */
uint32_t psp_mem_read(uint64_t paddr, void *buf, size_t len);
uint32_t psp_mem_write(uint64_t paddr, const void *buf, size_t len);

/*
 * A guest's page as the host sees it: what the host wrote before it assigned
 * the page, and what the host will read once it has the page back. The plain
 * functions above see what the owner of the page sees.
 */
uint32_t psp_mem_read_host(uint64_t paddr, void *buf, size_t len);
uint32_t psp_page_write_host(uint64_t paddr, const uint8_t *page);

/* Whether each page of an output buffer is in the Firmware state */
uint32_t psp_output(PSPState *s, uint64_t paddr, size_t len);

/*
 * The same for legacy commands: Linux leaves the last page of an unaligned
 * buffer in the Hypervisor state, so that state is accepted too.
 */
uint32_t psp_legacy_output(PSPState *s, uint64_t paddr, size_t len);

/*
 * An answer of @size bytes, for which the command's buffer has an address at
 * @addr and a length at @len: tell the size, then check that there is room.
 * A caller asks for the size with a length of zero.
 */
uint32_t psp_legacy_answer(PSPReq *req, unsigned addr, unsigned len,
                           uint32_t size);

/* The RMP entry of a page; INVALID_ADDRESS where the RMP does not reach */
uint32_t psp_page(uint64_t paddr, SNPRmpEntry *e);

/* The same, with the state that the page must have */
uint32_t psp_page_in(uint64_t paddr, SNPPageState state, SNPRmpEntry *e);

/* Store the entry and flush what the CPUs remember of the page */
void psp_page_set(uint64_t paddr, const SNPRmpEntry *e);

/* Store 4K entries of a whole range; the caller flushes once at the end */
void psp_page_set_lazy(uint64_t paddr, const SNPRmpEntry *e);

/* An entry with no owner in the named state */
SNPRmpEntry psp_page_plain(SNPPageState state);

#endif
