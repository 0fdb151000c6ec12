/*
 * The rules of the reverse map table, case by case
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Example: RMPUPDATE of a page in the Firmware state (assigned, immutable, no
 * ASID) back to the hypervisor is FAIL_PERMISSION, because the entry is
 * immutable; from the Reclaim state (the same, not immutable) it succeeds and
 * the entry is empty. Each table has, beside a rule, what breaks it.
 */
#include "qemu/osdep.h"
#include "target/i386/snp-rmp.h"

#define SPA     0x40000000ull
#define GPA     0x200000ull
#define ASID    7
#define ALL     { SNP_PERM_ALL }

static const SNPRmpEntry hypervisor = { };
static const SNPRmpEntry hv_fixed = { .immutable = true };
static const SNPRmpEntry firmware = { .assigned = true, .immutable = true };
static const SNPRmpEntry reclaim = { .assigned = true };
static const SNPRmpEntry context = {
    .assigned = true, .immutable = true, .vmsa = true
};
static const SNPRmpEntry metadata = {
    .assigned = true, .immutable = true, .gpa = 0x1000
};
static const SNPRmpEntry pre_guest = {
    .assigned = true, .immutable = true, .asid = ASID, .gpa = GPA, .perms = ALL
};
static const SNPRmpEntry pre_swap = {
    .assigned = true, .immutable = true, .validated = true, .asid = ASID,
    .gpa = GPA, .perms = ALL
};
static const SNPRmpEntry invalid = {
    .assigned = true, .asid = ASID, .gpa = GPA, .perms = ALL
};
static const SNPRmpEntry valid = {
    .assigned = true, .validated = true, .asid = ASID, .gpa = GPA, .perms = ALL
};
static const SNPRmpEntry invalid_2m = {
    .assigned = true, .large = true, .asid = ASID, .gpa = GPA, .perms = ALL
};
static const SNPRmpEntry valid_2m = {
    .assigned = true, .large = true, .validated = true, .asid = ASID,
    .gpa = GPA, .perms = ALL
};
static const SNPRmpEntry valid_vmpl1_ro = {
    .assigned = true, .validated = true, .asid = ASID, .gpa = GPA,
    .perms = { SNP_PERM_ALL, SNP_PERM_R }
};
static const SNPRmpEntry strange = { .assigned = true, .validated = true };

static void test_states(void)
{
    static const struct {
        const SNPRmpEntry *e;
        SNPPageState state;
    } cases[] = {
        { &hypervisor, SNP_PAGE_HYPERVISOR },
        { &hv_fixed, SNP_PAGE_HV_FIXED },
        { &firmware, SNP_PAGE_FIRMWARE },
        { &reclaim, SNP_PAGE_RECLAIM },
        { &context, SNP_PAGE_CONTEXT },
        { &metadata, SNP_PAGE_METADATA },
        { &pre_guest, SNP_PAGE_PRE_GUEST },
        { &pre_swap, SNP_PAGE_PRE_SWAP },
        { &invalid, SNP_PAGE_GUEST_INVALID },
        { &valid, SNP_PAGE_GUEST_VALID },
        { &strange, SNP_PAGE_UNKNOWN },
    };

    for (int i = 0; i < ARRAY_SIZE(cases); i++) {
        uint64_t low, high;
        SNPRmpEntry copy;

        g_assert_cmpstr(snp_page_state_name(snp_rmp_state(cases[i].e)), ==,
                        snp_page_state_name(cases[i].state));
        snp_rmp_encode(cases[i].e, &low, &high);
        copy = snp_rmp_decode(low, high);
        g_assert_cmpint(snp_rmp_state(&copy), ==, cases[i].state);
        g_assert_cmpmem(copy.perms, sizeof(copy.perms), cases[i].e->perms,
                        sizeof(copy.perms));
    }
}

/* The format that software reads from memory, spelled out once */
static void test_layout(void)
{
    SNPRmpEntry e = {
        .assigned = true, .large = true, .immutable = true, .vmsa = true,
        .validated = true, .asid = 0x3ff, .gpa = 0x0007fffffffff000ull,
        .perms = { 1, 2, 4, 8 },
    };
    uint64_t low, high;

    snp_rmp_encode(&e, &low, &high);
    g_assert_cmphex(low, ==, 0x7ffffffffffff007ull);
    g_assert_cmphex(high, ==, 0x08040201);
    e = (SNPRmpEntry) { .assigned = true, .asid = 1, .gpa = 0x1000 };
    snp_rmp_encode(&e, &low, &high);
    g_assert_cmphex(low, ==, 0x0008000000001001ull);
}

static void test_rmpupdate(void)
{
    static const struct {
        const char *claim;
        const SNPRmpEntry *old;
        uint64_t spa;
        SNPUpdate req;
        SNPCode code;
        SNPPageState state;
    } cases[] = {
        { "assign to a guest", &hypervisor, SPA,
          { .assigned = true, .asid = ASID, .gpa = GPA },
          SNP_OK, SNP_PAGE_GUEST_INVALID },
        { "hand to the firmware", &hypervisor, SPA,
          { .assigned = true, .immutable = true }, SNP_OK, SNP_PAGE_FIRMWARE },
        { "prepare a launch", &hypervisor, SPA,
          { .assigned = true, .immutable = true, .asid = ASID, .gpa = GPA },
          SNP_OK, SNP_PAGE_PRE_GUEST },
        { "take back", &valid, SPA, { }, SNP_OK, SNP_PAGE_HYPERVISOR },
        { "take back what was reclaimed", &reclaim, SPA, { },
          SNP_OK, SNP_PAGE_HYPERVISOR },
        { "not what the firmware has", &firmware, SPA, { },
          SNP_FAIL_PERMISSION },
        { "not a context", &context, SPA, { }, SNP_FAIL_PERMISSION },
        { "not HV-Fixed", &hv_fixed, SPA, { .assigned = true },
          SNP_FAIL_PERMISSION },
        { "not Pre-Guest", &pre_guest, SPA, { }, SNP_FAIL_PERMISSION },
        { "freeze keeps validated", &valid, SPA,
          { .assigned = true, .immutable = true, .asid = ASID, .gpa = GPA },
          SNP_OK, SNP_PAGE_PRE_SWAP },
        { "freeze at another address does not", &valid, SPA,
          { .assigned = true, .immutable = true, .asid = ASID,
            .gpa = GPA + 0x1000 }, SNP_OK, SNP_PAGE_PRE_GUEST },
        { "assigning again loses validated", &valid, SPA,
          { .assigned = true, .asid = ASID, .gpa = GPA },
          SNP_OK, SNP_PAGE_GUEST_INVALID },
        { "another ASID loses validated", &valid, SPA,
          { .assigned = true, .asid = ASID + 1, .gpa = GPA },
          SNP_OK, SNP_PAGE_GUEST_INVALID },
        { "4K alignment", &hypervisor, SPA + 8, { }, SNP_FAIL_INPUT },
        { "2M alignment", &hypervisor, SPA + 0x1000, { .large = true },
          SNP_FAIL_INPUT },
        { "2M alignment of the guest address", &hypervisor, SPA,
          { .assigned = true, .large = true, .asid = ASID, .gpa = 0x1000 },
          SNP_FAIL_INPUT },
        { "largest ASID", &hypervisor, SPA,
          { .assigned = true, .asid = 99, .gpa = GPA },
          SNP_OK, SNP_PAGE_GUEST_INVALID },
        { "ASID too large", &hypervisor, SPA,
          { .assigned = true, .asid = 100, .gpa = GPA }, SNP_FAIL_INPUT },
        { "reserved field", &hypervisor, SPA, { .reserved = true },
          SNP_FAIL_INPUT },
        { "input comes before permission", &firmware, SPA + 8, { },
          SNP_FAIL_INPUT },
    };

    static const SNPUpdateRules rules = { .max_asid = 99 };

    for (int i = 0; i < ARRAY_SIZE(cases); i++) {
        SNPRmpEntry new = strange;
        SNPCode code = snp_rule_rmpupdate(cases[i].old, &cases[i].req,
                                          cases[i].spa, &rules, &new);

        g_test_message("%s", cases[i].claim);
        g_assert_cmpint(code, ==, cases[i].code);
        if (code == SNP_OK) {
            g_assert_cmpint(snp_rmp_state(&new), ==, cases[i].state);
        } else {
            g_assert_cmpint(snp_rmp_state(&new), ==, SNP_PAGE_UNKNOWN);
        }
    }
}

/* The same requests with the other reading of the manual */
static void test_rmpupdate_repeat(void)
{
    static const struct {
        const char *claim;
        const SNPRmpEntry *old;
        SNPUpdate req;
        SNPPageState state;
    } cases[] = {
        { "assigning again keeps validated", &valid,
          { .assigned = true, .asid = ASID, .gpa = GPA },
          SNP_PAGE_GUEST_VALID },
        { "another ASID loses validated", &valid,
          { .assigned = true, .asid = ASID + 1, .gpa = GPA },
          SNP_PAGE_GUEST_INVALID },
        { "another address loses validated", &valid,
          { .assigned = true, .asid = ASID, .gpa = GPA + 0x1000 },
          SNP_PAGE_GUEST_INVALID },
        { "another size loses validated", &valid_2m,
          { .assigned = true, .asid = ASID, .gpa = GPA },
          SNP_PAGE_GUEST_INVALID },
        { "taking back is no repetition", &valid, { }, SNP_PAGE_HYPERVISOR },
    };
    static const SNPUpdateRules rules = { 99, .repeat_keeps = true };

    for (int i = 0; i < ARRAY_SIZE(cases); i++) {
        SNPRmpEntry new = strange;

        g_test_message("%s", cases[i].claim);
        g_assert_cmpint(snp_rule_rmpupdate(cases[i].old, &cases[i].req, SPA,
                                           &rules, &new), ==, SNP_OK);
        g_assert_cmpint(snp_rmp_state(&new), ==, cases[i].state);
    }
}

static void test_psmash(void)
{
    SNPRmpEntry frozen = valid_2m;

    frozen.immutable = true;
    g_assert_cmpint(snp_rule_psmash(&valid_2m, SPA), ==, SNP_OK);
    g_assert_cmpint(snp_rule_psmash(&invalid_2m, SPA), ==, SNP_OK);
    g_assert_cmpint(snp_rule_psmash(&valid_2m, SPA + 0x1000), ==,
                    SNP_FAIL_INPUT);
    g_assert_cmpint(snp_rule_psmash(&valid, SPA), ==, SNP_FAIL_INPUT);
    g_assert_cmpint(snp_rule_psmash(&hypervisor, SPA), ==, SNP_FAIL_INPUT);
    g_assert_cmpint(snp_rule_psmash(&frozen, SPA), ==, SNP_FAIL_PERMISSION);
}

static void test_host_write(void)
{
    g_assert_true(snp_rule_host_write(&hypervisor));
    g_assert_true(snp_rule_host_write(&hv_fixed));
    g_assert_false(snp_rule_host_write(&firmware));
    g_assert_false(snp_rule_host_write(&reclaim));
    g_assert_false(snp_rule_host_write(&invalid));
    g_assert_false(snp_rule_host_write(&valid));
}

#define PRIVATE(acc, ...) \
    { .gpa = GPA, .asid = ASID, .private = true, .access = acc, __VA_ARGS__ }
#define SHARED(acc) { .gpa = GPA, .asid = ASID, .access = acc }

static void test_guest_access(void)
{
    static const struct {
        const char *claim;
        const SNPRmpEntry *e;
        SNPGuestAccess a;
        SNPVerdict verdict;
    } cases[] = {
        { "own page", &valid, PRIVATE(SNP_ACCESS_WRITE), SNP_ALLOW },
        { "own 2M page", &valid_2m,
          PRIVATE(SNP_ACCESS_WRITE, .npt_large = true), SNP_ALLOW },
        { "page of the hypervisor", &hypervisor, PRIVATE(SNP_ACCESS_READ),
          SNP_DENY_RMP },
        { "another ASID", &valid, PRIVATE(SNP_ACCESS_READ, .asid = ASID + 1),
          SNP_DENY_RMP },
        { "another guest address", &valid,
          PRIVATE(SNP_ACCESS_READ, .gpa = GPA + 0x1000), SNP_DENY_RMP },
        { "page being launched", &pre_guest, PRIVATE(SNP_ACCESS_READ),
          SNP_DENY_RMP },
        { "4K mapping of a 2M page", &valid_2m, PRIVATE(SNP_ACCESS_READ),
          SNP_DENY_SIZE },
        { "2M mapping of a 4K page", &valid,
          PRIVATE(SNP_ACCESS_READ, .npt_large = true), SNP_DENY_SIZE },
        { "not validated", &invalid, PRIVATE(SNP_ACCESS_READ),
          SNP_DENY_VALIDATED },
        { "size comes before validated", &invalid_2m,
          PRIVATE(SNP_ACCESS_READ), SNP_DENY_SIZE },
        { "VMPL1 reads what it may", &valid_vmpl1_ro,
          PRIVATE(SNP_ACCESS_READ, .vmpl = 1), SNP_ALLOW },
        { "VMPL1 does not write it", &valid_vmpl1_ro,
          PRIVATE(SNP_ACCESS_WRITE, .vmpl = 1), SNP_DENY_VMPL },
        { "nor execute it as user", &valid_vmpl1_ro,
          PRIVATE(SNP_ACCESS_EXEC_USER, .vmpl = 1), SNP_DENY_VMPL },
        { "nor as supervisor", &valid_vmpl1_ro,
          PRIVATE(SNP_ACCESS_EXEC_SUPER, .vmpl = 1), SNP_DENY_VMPL },
        { "VMPL2 reads nothing", &valid_vmpl1_ro,
          PRIVATE(SNP_ACCESS_READ, .vmpl = 2), SNP_DENY_VMPL },
        { "shared write to the hypervisor's page", &hypervisor,
          SHARED(SNP_ACCESS_WRITE), SNP_ALLOW },
        { "shared write to an assigned page", &valid,
          SHARED(SNP_ACCESS_WRITE), SNP_DENY_RMP },
        { "shared read of an assigned page", &valid,
          SHARED(SNP_ACCESS_READ), SNP_ALLOW },
    };

    for (int i = 0; i < ARRAY_SIZE(cases); i++) {
        g_test_message("%s", cases[i].claim);
        g_assert_cmpint(snp_rule_guest(cases[i].e, &cases[i].a), ==,
                        cases[i].verdict);
    }
}

#define PAGE(...) { .gpa = GPA, .asid = ASID, __VA_ARGS__ }

static void test_pvalidate(void)
{
    static const struct {
        const char *claim;
        const SNPRmpEntry *e;
        SNPGuestPage p;
        bool validate;
        SNPVerdict verdict;
        SNPCode code;
        bool changed;
    } cases[] = {
        { "validate", &invalid, PAGE(), true, SNP_ALLOW, SNP_OK, true },
        { "again changes nothing", &valid, PAGE(), true,
          SNP_ALLOW, SNP_OK, false },
        { "rescind", &valid, PAGE(), false, SNP_ALLOW, SNP_OK, true },
        { "2M at once", &invalid_2m, PAGE(.large = true, .npt_large = true),
          true, SNP_ALLOW, SNP_OK, true },
        { "2M request on a 4K page", &invalid, PAGE(.large = true), true,
          SNP_ALLOW, SNP_FAIL_SIZEMISMATCH, false },
        { "2M request on a 4K mapping", &invalid_2m, PAGE(.large = true), true,
          SNP_ALLOW, SNP_FAIL_SIZEMISMATCH, false },
        { "4K request on a 2M page", &invalid_2m, PAGE(.npt_large = true),
          true, SNP_DENY_SIZE, SNP_OK, false },
        { "page of the hypervisor", &hypervisor, PAGE(), true,
          SNP_DENY_RMP, SNP_OK, false },
        { "another guest's page", &invalid, PAGE(.asid = ASID + 1), true,
          SNP_DENY_RMP, SNP_OK, false },
    };

    for (int i = 0; i < ARRAY_SIZE(cases); i++) {
        SNPCode code;
        bool changed;

        g_test_message("%s", cases[i].claim);
        g_assert_cmpint(snp_rule_pvalidate(cases[i].e, &cases[i].p,
                                           cases[i].validate, &code, &changed),
                        ==, cases[i].verdict);
        g_assert_cmpint(code, ==, cases[i].code);
        g_assert_cmpint(changed, ==, cases[i].changed);
    }
}

static void test_rmpadjust(void)
{
    static const struct {
        const char *claim;
        const SNPRmpEntry *e;
        SNPGuestPage p;
        uint8_t target, perms;
        bool vmsa;
        SNPVerdict verdict;
        SNPCode code;
    } cases[] = {
        { "VMPL0 gives to VMPL1", &valid, PAGE(), 1, SNP_PERM_ALL, false,
          SNP_ALLOW, SNP_OK },
        { "VMPL0 makes a save area", &valid, PAGE(), 1, 0, true,
          SNP_ALLOW, SNP_OK },
        { "not to itself", &valid, PAGE(), 0, 0, false,
          SNP_ALLOW, SNP_FAIL_PERMISSION },
        { "no such VMPL", &valid, PAGE(), SNP_VMPLS, 0, false,
          SNP_ALLOW, SNP_FAIL_INPUT },
        { "no such permission", &valid, PAGE(), 1, 0x10, false,
          SNP_ALLOW, SNP_FAIL_INPUT },
        { "VMPL1 gives what it has", &valid_vmpl1_ro, PAGE(.vmpl = 1), 2,
          SNP_PERM_R, false, SNP_ALLOW, SNP_OK },
        { "not what it lacks", &valid_vmpl1_ro, PAGE(.vmpl = 1), 2,
          SNP_PERM_R | SNP_PERM_W, false, SNP_ALLOW, SNP_FAIL_PERMISSION },
        { "VMPL1 makes no save area", &valid_vmpl1_ro, PAGE(.vmpl = 1), 2,
          SNP_PERM_R, true, SNP_ALLOW, SNP_FAIL_PERMISSION },
        { "not validated", &invalid, PAGE(), 1, SNP_PERM_R, false,
          SNP_DENY_VALIDATED, SNP_OK },
        { "4K request on a 2M page", &valid_2m, PAGE(.npt_large = true), 1,
          SNP_PERM_R, false, SNP_DENY_SIZE, SNP_OK },
        { "2M request on a 4K page", &valid, PAGE(.large = true), 1,
          SNP_PERM_R, false, SNP_ALLOW, SNP_FAIL_SIZEMISMATCH },
    };

    for (int i = 0; i < ARRAY_SIZE(cases); i++) {
        SNPCode code;

        g_test_message("%s", cases[i].claim);
        g_assert_cmpint(snp_rule_rmpadjust(cases[i].e, &cases[i].p,
                                           cases[i].target, cases[i].perms,
                                           cases[i].vmsa, &code), ==,
                        cases[i].verdict);
        g_assert_cmpint(code, ==, cases[i].code);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/snp/states", test_states);
    g_test_add_func("/snp/layout", test_layout);
    g_test_add_func("/snp/rmpupdate", test_rmpupdate);
    g_test_add_func("/snp/rmpupdate-repeat", test_rmpupdate_repeat);
    g_test_add_func("/snp/psmash", test_psmash);
    g_test_add_func("/snp/host-write", test_host_write);
    g_test_add_func("/snp/guest-access", test_guest_access);
    g_test_add_func("/snp/pvalidate", test_pvalidate);
    g_test_add_func("/snp/rmpadjust", test_rmpadjust);
    return g_test_run();
}
