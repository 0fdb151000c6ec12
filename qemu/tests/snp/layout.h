/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses that C and assembly share. */
#ifndef SNP_TEST_LAYOUT_H
#define SNP_TEST_LAYOUT_H

/* The host's memory: the image below, the tests' 2M regions from here */
#define ARENA_START     0x10000000
#define ARENA_END       0x7e000000

/* Selectors of the host's and the guest's descriptor table */
#define SEL_CODE        0x08
#define SEL_DATA        0x10
#define SEL_USER_DATA   0x1b
#define SEL_USER_CODE   0x23
#define SEL_TSS         0x28

/* The guest's memory, by guest physical address; see guest.c for a picture */
#define GUEST_CODE      0x1000
#define GUEST_IDT       0x2000
#define GUEST_GDT       0x3000
#define GUEST_STACK     0x5000      /* grows down */
#define GUEST_PML4      0x5000
#define GUEST_PDPT      0x6000
#define GUEST_PD        0x7000      /* C=1 */
#define GUEST_PD_SHARED 0x8000      /* C=0 */
#define GUEST_CORE_END  0x9000
#define GUEST_REPORT    0x200000
#define GUEST_TARGET    0x400000
#define VMSA_GPA        0x800000    /* one for each VMPL */
/* The guest's addresses are physical ones; from here with C=0 */
#define GUEST_SHARED_VA 0x40000000
#define GUEST_REPORT_VA (GUEST_SHARED_VA + GUEST_REPORT)

/* 64-bit words of a struct trap */
#define TRAP_WORDS      23

#endif
