// SPDX-License-Identifier: GPL-2.0-only
/*
 * sev-guest-ask: what /dev/sev-guest answers to its ioctls, in an SNP guest.
 *
 * One line a claim on standard output; the exit status is 1 when one does not
 * hold. What is wrong in a request is refused by the driver, with an errno, or
 * by the firmware, with a status in front of an empty answer.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include <linux/sev-guest.h>

#define PAGE		4096
#define REPORT_SIZE	1184
#define SIGNED		0x2a0
#define MEASUREMENT	0x90
#define FIELD_POLICY	1
#define FIELD_DIGEST	8

static int device, failed;

static void claim(int holds, const char *text)
{
	printf("%s %s\n", holds ? "ok" : "not ok", text);
	failed |= !holds;
}

static uint32_t status_of(const uint8_t *answer)
{
	uint32_t status;

	memcpy(&status, answer, sizeof(status));
	return status;
}

static int ask(unsigned long number, void *request, void *answer)
{
	struct snp_guest_request_ioctl message = {
		.msg_version = 1,
		.req_data = (uintptr_t)request,
		.resp_data = (uintptr_t)answer,
	};

	return ioctl(device, number, &message);
}

/* The report is behind the status, a size and 24 reserved bytes. */
static int report(unsigned int vmpl, const char *data, uint8_t *out)
{
	struct snp_report_resp answer = { 0 };
	struct snp_report_req request = { .vmpl = vmpl };

	memcpy(request.user_data, data, strlen(data));
	if (ask(SNP_GET_REPORT, &request, &answer) || status_of(answer.data))
		return -1;
	memcpy(out, answer.data + 32, REPORT_SIZE);
	return 0;
}

static int derived(uint64_t fields, uint32_t svn, struct snp_derived_key_resp *key)
{
	struct snp_derived_key_req request = { .guest_field_select = fields, .guest_svn = svn };

	memset(key, 0, sizeof(*key));
	return ask(SNP_GET_DERIVED_KEY, &request, key) || status_of(key->data);
}

static void ask_reports(void)
{
	uint8_t one[REPORT_SIZE], two[REPORT_SIZE];
	claim(!report(0, "one", one) && !report(0, "two", two), "reports");
	claim(!memcmp(one + 0x50, "one", 4) && !memcmp(two + 0x50, "two", 4), "each report holds its own data");
	claim(!memcmp(one + MEASUREMENT, two + MEASUREMENT, 48), "one measurement");
	claim(memcmp(one + SIGNED, two + SIGNED, 144), "two signatures");
	claim(!report(3, "three", one) && one[0x30] == 3, "a report for VMPL3");
	claim(report(4, "four", one), "none for VMPL4, which there is not");
}

/* A VMM that has none leaves the end of an empty table: 24 bytes of zeros. */
static void ask_certificates(void)
{
	static const uint8_t empty[24];
	static uint8_t page[PAGE];
	struct snp_ext_report_req request = { .certs_address = (uintptr_t)page, .certs_len = PAGE };
	struct snp_report_resp answer = { 0 };

	memset(page, 0xff, sizeof(page));
	claim(!ask(SNP_GET_EXT_REPORT, &request, &answer) && !status_of(answer.data), "a report with certificates");
	claim(!memcmp(page, empty, sizeof(empty)), "the table of certificates is empty");
	request.certs_len = 100;
	claim(ask(SNP_GET_EXT_REPORT, &request, &answer) && errno == EINVAL, "certificates are asked for in pages");
}

static void ask_keys(void)
{
	struct snp_derived_key_resp one, again, other;
	claim(!derived(FIELD_POLICY, 0, &one) && !derived(FIELD_POLICY, 0, &again) &&
	      !derived(FIELD_POLICY | FIELD_DIGEST, 0, &other), "keys");
	claim(!memcmp(&one, &again, sizeof(one)), "the same fields, the same key");
	claim(memcmp(&one, &other, sizeof(one)), "other fields, another key");
	claim(derived(FIELD_POLICY, 1000, &one), "none for a version that the guest does not have");
}

int main(void)
{
	device = open("/dev/sev-guest", O_RDWR);
	if (device < 0) {
		perror("/dev/sev-guest");
		return 1;
	}
	ask_reports();
	ask_certificates();
	ask_keys();
	claim(ask(SNP_GET_REPORT, NULL, NULL) && errno == EINVAL, "no request, no answer");
	return failed;
}
