/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef __KVM_GMEM_QUARANTINE_H__
#define __KVM_GMEM_QUARANTINE_H__

#include <linux/mm_types.h>

/*
 * Keep @folio, some page of which is still its former owner's, from ever being
 * used again, and count its pages.  Called when the page cache lets go of it, or
 * before.  Returns how many were not counted yet.
 */
long kvm_gmem_quarantine_folio(struct folio *folio);

#endif /* __KVM_GMEM_QUARANTINE_H__ */
