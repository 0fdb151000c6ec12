/*
 * AMD secure processor: PCI device, mailbox and interrupt
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Worked example, PLATFORM_STATUS into a page at 0x5000:
 *   write 0x109e0 = 0x5000, 0x109e4 = 0
 *   write 0x10980 = 4 << 16 | IOC
 *   the command runs, 0x10980 reads 0x80000000 (done, status 0),
 *   0x10694 reads 2, and MSI-X vector 0 fires if 0x10690 has bit 1 set
 */
#include "qemu/osdep.h"
#include "qemu/module.h"
#include "hw/i386/snp-host.h"
#include "hw/pci/msix.h"
#include "hw/pci/pci_ids.h"
#include "hw/qdev-properties.h"
#include "migration/vmstate.h"
#include "qapi/error.h"
#include "amd-psp-int.h"
#include "amd-psp-keys.h"
#include "trace.h"

#define PSP_MSIX_BAR 4
#define PSP_VECTORS  2

/* SNP SVN below 0x1b, or Linux hides SEV-ES; layout of Milan and Genoa */
#define PSP_DEFAULT_TCB 0xd315000000000403ull

static void psp_raise(PSPState *s)
{
    s->intsts |= PSP_INT_SEV_DONE;
    if ((s->inten & PSP_INT_SEV_DONE) && msix_enabled(&s->parent_obj)) {
        msix_notify(&s->parent_obj, 0);
    }
}

static void psp_complete(PSPState *s)
{
    bool ioc = s->cmdresp & PSP_CMDRESP_IOC;

    s->busy = false;
    s->cmdresp = PSP_CMDRESP_DONE | (s->pending_status & PSP_CMDRESP_STATUS);
    if (ioc) {
        psp_raise(s);
    }
}

static void psp_timer(void *opaque)
{
    psp_complete(opaque);
}

static void psp_doorbell(PSPState *s, uint32_t val)
{
    uint64_t paddr = (uint64_t)s->cmdbuf_hi << 32 | s->cmdbuf_lo;
    uint16_t id = PSP_CMDRESP_CMD(val);
    uint32_t delay_us;

    if (s->busy) {
        snp_strict("amd-psp: command 0x%x while another one is running, "
                   "ignored", id);
        return;
    }

    s->cmdresp = val & ~PSP_CMDRESP_DONE;
    s->busy = true;
    if (snp_inject_match(SNP_INJECT_PSP_STUCK, id, NULL)) {
        return;
    }
    s->pending_status = psp_execute(s, id, paddr);
    if (snp_inject_match(SNP_INJECT_PSP_SLOW, id, &delay_us)) {
        timer_mod(s->timer, qemu_clock_get_us(QEMU_CLOCK_VIRTUAL) + delay_us);
        return;
    }
    psp_complete(s);
}

static uint64_t psp_counter_read(PSPState *s, hwaddr addr)
{
    const PSPCounter *c = &s->counters[(addr - PSP_COUNTERS) / 16];
    uint64_t val = addr & 8 ? c->failures : c->calls;

    return addr & 4 ? val >> 32 : (uint32_t)val;
}

static uint64_t psp_read(void *opaque, hwaddr addr, unsigned size)
{
    PSPState *s = opaque;
    uint64_t val = 0;

    switch (addr) {
    case PSP_REG_INTEN:
        val = s->inten;
        break;
    case PSP_REG_INTSTS:
        val = s->intsts;
        break;
    case PSP_REG_CMDRESP:
        val = s->cmdresp;
        break;
    case PSP_REG_CMDBUF_LO:
        val = s->cmdbuf_lo;
        break;
    case PSP_REG_CMDBUF_HI:
        val = s->cmdbuf_hi;
        break;
    case PSP_REG_BOOTLOADER:
        val = s->api_major << 16 | s->api_minor << 8 | s->build;
        break;
    case PSP_REG_FEATURE:
        val = PSP_FEATURE_SEV;
        break;
    case PSP_COUNTERS ... PSP_COUNTER(PSP_CMD_MAX) - 1:
        val = psp_counter_read(s, addr);
        break;
    case PSP_SNP_WINDOW ... PSP_SNP_WINDOW + SNP_WINDOW_SIZE - 1:
        val = snp_counters_window_read(addr - PSP_SNP_WINDOW, size);
        break;
    case PSP_LAUNCH_DIGEST ... PSP_LAUNCH_DIGEST + PSP_SHA384 - 1:
        val = ldl_le_p(s->launch_digest + (addr - PSP_LAUNCH_DIGEST));
        break;
    default:
        snp_strict("amd-psp: read of unknown register 0x%" HWADDR_PRIx, addr);
    }
    trace_amd_psp_read(addr, val);
    return val;
}

static void psp_write(void *opaque, hwaddr addr, uint64_t val, unsigned size)
{
    PSPState *s = opaque;

    trace_amd_psp_write(addr, val);
    switch (addr) {
    case PSP_REG_INTEN:
        s->inten = val;
        break;
    case PSP_REG_INTSTS:
        s->intsts &= ~val;
        break;
    case PSP_REG_CMDRESP:
        psp_doorbell(s, val);
        break;
    case PSP_REG_CMDBUF_LO:
        s->cmdbuf_lo = val;
        break;
    case PSP_REG_CMDBUF_HI:
        s->cmdbuf_hi = val;
        break;
    case PSP_SNP_WINDOW ... PSP_SNP_WINDOW + SNP_WINDOW_SIZE - 1:
        if (snp_window_write(addr - PSP_SNP_WINDOW, val)) {
            break;
        }
        /* fall through */
    default:
        snp_strict("amd-psp: write of 0x%" PRIx64 " to read-only or unknown "
                   "register 0x%" HWADDR_PRIx, val, addr);
    }
}

static const MemoryRegionOps psp_ops = {
    .read = psp_read,
    .write = psp_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .impl = { .min_access_size = 4, .max_access_size = 4 },
    .valid = { .min_access_size = 4, .max_access_size = 8 },
};

static void psp_reset(DeviceState *dev)
{
    PSPState *s = AMD_PSP(dev);

    timer_del(s->timer);
    s->busy = false;
    s->inten = s->intsts = 0;
    s->cmdresp = PSP_CMDRESP_DONE;
    s->cmdbuf_lo = s->cmdbuf_hi = 0;
    memset(s->counters, 0, sizeof(s->counters));
    psp_platform_reset(s);
    psp_snp_reset(s);
}

static void psp_realize(PCIDevice *pdev, Error **errp)
{
    PSPState *s = AMD_PSP(pdev);

    s->keys = psp_keys_new(s, errp);
    if (!s->keys) {
        return;
    }
    memory_region_init_io(&s->mmio, OBJECT(s), &psp_ops, s, "amd-psp",
                          PSP_BAR_SIZE);
    pci_register_bar(pdev, 2, PCI_BASE_ADDRESS_SPACE_MEMORY |
                     PCI_BASE_ADDRESS_MEM_TYPE_64, &s->mmio);
    if (msix_init_exclusive_bar(pdev, PSP_VECTORS, PSP_MSIX_BAR, errp)) {
        psp_keys_free(s->keys);
        return;
    }
    for (int i = 0; i < PSP_VECTORS; i++) {
        msix_vector_use(pdev, i);
    }
    s->timer = timer_new_us(QEMU_CLOCK_VIRTUAL, psp_timer, s);
    s->legacy = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    s->contexts = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL,
                                        g_free);
}

static void psp_exit(PCIDevice *pdev)
{
    PSPState *s = AMD_PSP(pdev);

    psp_platform_reset(s);
    psp_snp_reset(s);
    timer_free(s->timer);
    g_hash_table_destroy(s->legacy);
    g_hash_table_destroy(s->contexts);
    psp_keys_free(s->keys);
    msix_uninit_exclusive_bar(pdev);
}

static char *psp_get_counters(Object *obj, Error **errp)
{
    return psp_counters(AMD_PSP(obj));
}

static const Property psp_properties[] = {
    DEFINE_PROP_UINT8("api-major", PSPState, api_major, 1),
    DEFINE_PROP_UINT8("api-minor", PSPState, api_minor, 55),
    DEFINE_PROP_UINT8("build", PSPState, build, 21),
    DEFINE_PROP_UINT32("feature-ecx", PSPState, feature_ecx, 0),
    DEFINE_PROP_UINT64("tcb", PSPState, tcb, PSP_DEFAULT_TCB),
    DEFINE_PROP_BOOL("x-no-cpu-check", PSPState, no_cpu_check, false),
    DEFINE_PROP_STRING("seed", PSPState, seed),
    DEFINE_PROP_STRING("export", PSPState, export_dir),
};

static const VMStateDescription psp_vmstate = {
    .name = TYPE_AMD_PSP,
    .unmigratable = 1,
};

static void psp_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);
    PCIDeviceClass *k = PCI_DEVICE_CLASS(klass);

    k->realize = psp_realize;
    k->exit = psp_exit;
    k->vendor_id = PCI_VENDOR_ID_AMD;
    k->device_id = PCI_DEVICE_ID_AMD_PSP;
    k->class_id = PCI_CLASS_CRYPT_OTHER;
    dc->desc = "AMD secure processor (SEV, SEV-ES and SEV-SNP firmware)";
    dc->vmsd = &psp_vmstate;
    dc->hotpluggable = false;
    set_bit(DEVICE_CATEGORY_MISC, dc->categories);
    device_class_set_legacy_reset(dc, psp_reset);
    device_class_set_props(dc, psp_properties);
    object_class_property_add_str(klass, "counters", psp_get_counters, NULL);
    object_class_property_set_description(klass, "counters",
        "a line per command seen: number, name, calls, failures");
}

static const TypeInfo psp_info = {
    .name = TYPE_AMD_PSP,
    .parent = TYPE_PCI_DEVICE,
    .instance_size = sizeof(PSPState),
    .class_init = psp_class_init,
    .interfaces = (InterfaceInfo[]) {
        { INTERFACE_CONVENTIONAL_PCI_DEVICE },
        { },
    },
};

static void psp_register_types(void)
{
    type_register_static(&psp_info);
}

type_init(psp_register_types)
