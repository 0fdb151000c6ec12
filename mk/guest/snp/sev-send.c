// SPDX-License-Identifier: GPL-2.0-only
/*
 * sev-send: a SEV guest goes from one virtual machine to another by the commands of migration, on one platform.
 *
 * Its page leaves the first machine encrypted for the second, and is in the second what it was in the first.
 */
#include <err.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <linux/kvm.h>
#include <linux/psp-sev.h>

#define PAGE		4096
#define CERT		0x824
#define CHAIN		(3 * CERT)
#define SESSION		128
#define HEADER		52

struct machine {
	int vm, sev;
	uint8_t *memory;
};

static uint8_t pdh[CERT], chain[CHAIN], session[SESSION], header[HEADER], packet[PAGE];

static int must(int result, const char *what)
{
	if (result < 0)
		err(1, "%s", what);
	return result;
}

static int try(struct machine *m, int id, void *data, unsigned int *status)
{
	struct kvm_sev_cmd cmd = { .id = id, .data = (uintptr_t)data, .sev_fd = m->sev };
	int result = ioctl(m->vm, KVM_MEMORY_ENCRYPT_OP, &cmd);

	*status = cmd.error;
	return result;
}

static void sev(struct machine *m, int id, void *data)
{
	unsigned int status;

	if (try(m, id, data, &status))
		err(1, "SEV command %d, firmware's status 0x%x", id, status);
}

static struct machine make(int kvm)
{
	struct machine m = { .sev = must(open("/dev/sev", O_RDWR), "/dev/sev") };
	struct kvm_userspace_memory_region region = { .memory_size = PAGE };
	struct kvm_sev_init init = { 0 };

	m.vm = must(ioctl(kvm, KVM_CREATE_VM, KVM_X86_SEV_VM), "KVM_CREATE_VM");
	m.memory = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (m.memory == MAP_FAILED)
		err(1, "memory");
	memset(m.memory, 0, PAGE);
	region.userspace_addr = (uintptr_t)m.memory;
	must(ioctl(m.vm, KVM_SET_USER_MEMORY_REGION, &region), "KVM_SET_USER_MEMORY_REGION");
	sev(&m, KVM_SEV_INIT2, &init);
	return m;
}

static void launch(struct machine *m)
{
	struct kvm_sev_launch_start start = { 0 };
	struct kvm_sev_launch_update_data update = { .uaddr = (uintptr_t)m->memory, .len = PAGE };
	uint8_t measured[48];
	struct kvm_sev_launch_measure measure = { .uaddr = (uintptr_t)measured, .len = sizeof(measured) };

	sev(m, KVM_SEV_LAUNCH_START, &start);
	sev(m, KVM_SEV_LAUNCH_UPDATE_DATA, &update);
	sev(m, KVM_SEV_LAUNCH_MEASURE, &measure);
	sev(m, KVM_SEV_LAUNCH_FINISH, NULL);
}

/* The platform is its own target. */
static void export(struct machine *m)
{
	struct sev_user_data_pdh_cert_export data = {
		.pdh_cert_address = (uintptr_t)pdh, .pdh_cert_len = CERT,
		.cert_chain_address = (uintptr_t)chain, .cert_chain_len = CHAIN,
	};
	struct sev_issue_cmd cmd = { .cmd = SEV_PDH_CERT_EXPORT, .data = (uintptr_t)&data };

	if (ioctl(m->sev, SEV_ISSUE_CMD, &cmd))
		err(1, "PDH_CERT_EXPORT, firmware's status 0x%x", cmd.error);
}

static void want_length(const char *what, uint32_t got, uint32_t wanted)
{
	if (got != wanted)
		errx(1, "length of the %s: %u, not %u", what, got, wanted);
}

/* With lengths of zero the firmware says what it needs. */
static void send(struct machine *m)
{
	struct kvm_sev_send_start start = { 0 };
	struct kvm_sev_send_update_data update = { 0 };
	unsigned int status;

	if (!try(m, KVM_SEV_SEND_START, &start, &status))
		errx(1, "SEND_START without a session");
	want_length("session", start.session_len, SESSION);
	start.pdh_cert_uaddr = (uintptr_t)pdh;
	start.pdh_cert_len = CERT;
	start.plat_certs_uaddr = start.amd_certs_uaddr = (uintptr_t)chain;
	start.plat_certs_len = start.amd_certs_len = CHAIN;
	start.session_uaddr = (uintptr_t)session;
	sev(m, KVM_SEV_SEND_START, &start);
	if (!try(m, KVM_SEV_SEND_UPDATE_DATA, &update, &status))
		errx(1, "SEND_UPDATE_DATA without a header");
	want_length("header", update.hdr_len, HEADER);
	update = (struct kvm_sev_send_update_data) {
		.hdr_uaddr = (uintptr_t)header, .hdr_len = HEADER, .guest_uaddr = (uintptr_t)m->memory,
		.guest_len = PAGE, .trans_uaddr = (uintptr_t)packet, .trans_len = PAGE,
	};
	sev(m, KVM_SEV_SEND_UPDATE_DATA, &update);
	sev(m, KVM_SEV_SEND_FINISH, NULL);
}

static void receive(struct machine *m)
{
	struct kvm_sev_receive_start start = {
		.pdh_uaddr = (uintptr_t)pdh, .pdh_len = CERT, .session_uaddr = (uintptr_t)session, .session_len = SESSION,
	};
	struct kvm_sev_receive_update_data update = {
		.hdr_uaddr = (uintptr_t)header, .hdr_len = HEADER, .guest_uaddr = (uintptr_t)m->memory,
		.guest_len = PAGE, .trans_uaddr = (uintptr_t)packet, .trans_len = PAGE,
	};
	unsigned int status;

	sev(m, KVM_SEV_RECEIVE_START, &start);
	packet[0] ^= 1;
	if (!try(m, KVM_SEV_RECEIVE_UPDATE_DATA, &update, &status) || status != SEV_RET_BAD_MEASUREMENT)
		errx(1, "a changed packet: status 0x%x", status);
	packet[0] ^= 1;
	sev(m, KVM_SEV_RECEIVE_UPDATE_DATA, &update);
	sev(m, KVM_SEV_RECEIVE_FINISH, NULL);
}

int main(void)
{
	int kvm = must(open("/dev/kvm", O_RDWR), "/dev/kvm");
	struct machine from = make(kvm), to = make(kvm);
	uint8_t content[PAGE], arrived[PAGE];
	struct kvm_sev_dbg decrypt = {
		.src_uaddr = (uintptr_t)to.memory, .dst_uaddr = (uintptr_t)arrived, .len = PAGE,
	};

	for (unsigned int i = 0; i < PAGE; i++)
		content[i] = i ^ i >> 8;
	memcpy(from.memory, content, PAGE);
	launch(&from);
	export(&from);
	send(&from);
	if (!memcmp(packet, content, PAGE))
		errx(1, "the page was sent as it is");
	receive(&to);
	sev(&to, KVM_SEV_DBG_DECRYPT, &decrypt);
	if (memcmp(arrived, content, PAGE))
		errx(1, "another page arrived");
	printf("the page arrived\n");
	return 0;
}
