// SPDX-License-Identifier: GPL-2.0-only
/*
 * Commands of the SNP firmware that change the state of a guest's page.
 */
#include <linux/kvm_host.h>
#include <linux/psp-sev.h>
#include <asm/sev.h>

#include "snp_fw.h"

int snp_fw_reclaim(kvm_pfn_t pfn, int level)
{
	struct sev_data_snp_page_reclaim data = {
		.paddr = __sme_set(pfn_to_hpa(pfn)) | PG_LEVEL_TO_RMP(level),
	};
	int error;

	return sev_do_cmd(SEV_CMD_SNP_PAGE_RECLAIM, &data, &error);
}

int snp_fw_unsmash(kvm_pfn_t pfn)
{
	struct sev_data_snp_page_unsmash data = {
		.paddr = __sme_set(pfn_to_hpa(pfn)) | PG_LEVEL_TO_RMP(PG_LEVEL_2M),
	};
	int error;

	return sev_do_cmd(SEV_CMD_SNP_PAGE_UNSMASH, &data, &error);
}
