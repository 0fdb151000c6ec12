/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef __KVM_X86_SVM_SNP_PROMOTE_H
#define __KVM_X86_SVM_SNP_PROMOTE_H

#include "mmu/private_promote.h"

/* Have the ranges that are added to @promoter promoted in the RMP. */
void snp_promote_init(struct kvm *kvm, struct kvm_promoter *promoter);

#endif /* __KVM_X86_SVM_SNP_PROMOTE_H */
