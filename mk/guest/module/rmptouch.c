// SPDX-License-Identifier: GPL-2.0-only
/*
 * rmptouch page=ADDRESS how=write|dma: have the kernel, or a device, write to a page that may be a guest's.
 *
 * The kernel's write by the direct map is an oops where the RMP refuses it. The device is QEMU's "edu", which copies between
 * its buffer and memory on request; it first writes to a page of the kernel's, to show that it can.
 */
#include <linux/delay.h>
#include <linux/dma-mapping.h>
#include <linux/module.h>
#include <linux/pci.h>

static ulong page;
module_param(page, ulong, 0444);
static char *how = "";
module_param(how, charp, 0444);

#define EDU_VENDOR	0x1234
#define EDU_DEVICE	0x11e8
#define EDU_SOURCE	0x80
#define EDU_TARGET	0x88
#define EDU_COUNT	0x90
#define EDU_COMMAND	0x98
#define EDU_RUN		1
#define EDU_TO_MEMORY	2
#define EDU_BUFFER	0x40000
#define EDU_DMA_BITS	28
#define EDU_PATIENCE_MS	5000
#define LENGTH		64

static int edu_write(struct pci_dev *pdev, void __iomem *regs, struct page *target)
{
	dma_addr_t at = dma_map_page(&pdev->dev, target, 0, LENGTH, DMA_FROM_DEVICE);
	int left = EDU_PATIENCE_MS;

	if (dma_mapping_error(&pdev->dev, at))
		return -EIO;
	writeq(EDU_BUFFER, regs + EDU_SOURCE);
	writeq(at, regs + EDU_TARGET);
	writeq(LENGTH, regs + EDU_COUNT);
	writeq(EDU_RUN | EDU_TO_MEMORY, regs + EDU_COMMAND);
	while ((readq(regs + EDU_COMMAND) & EDU_RUN) && left-- > 0)
		msleep(1);
	dma_unmap_page(&pdev->dev, at, LENGTH, DMA_FROM_DEVICE);
	return left > 0 ? 0 : -ETIMEDOUT;
}

/* The device's buffer holds zeroes. */
static int edu_can_write(struct pci_dev *pdev, void __iomem *regs)
{
	struct page *own = alloc_page(GFP_KERNEL);
	int ret;

	if (!own)
		return -ENOMEM;
	memset(page_address(own), 0xff, PAGE_SIZE);
	ret = edu_write(pdev, regs, own);
	if (!ret && memchr_inv(page_address(own), 0, LENGTH))
		ret = -EIO;
	__free_page(own);
	return ret;
}

static int touch_by_dma(void)
{
	struct pci_dev *pdev = pci_get_device(EDU_VENDOR, EDU_DEVICE, NULL);
	void __iomem *regs;
	int ret = -ENODEV;

	if (!pdev)
		return ret;
	ret = pci_enable_device(pdev);
	if (ret)
		goto put;
	pci_set_master(pdev);
	regs = pci_iomap(pdev, 0, 0);
	ret = regs ? dma_set_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(EDU_DMA_BITS)) : -ENOMEM;
	if (!ret)
		ret = edu_can_write(pdev, regs);
	if (!ret)
		ret = edu_write(pdev, regs, pfn_to_page(PHYS_PFN(page)));
	if (regs)
		pci_iounmap(pdev, regs);
	pci_disable_device(pdev);
put:
	pci_dev_put(pdev);
	return ret;
}

static int __init rmptouch_init(void)
{
	int ret = -EINVAL;

	if (!strcmp(how, "write")) {
		WRITE_ONCE(*(u64 *)phys_to_virt(page), 0);
		ret = 0;
	} else if (!strcmp(how, "dma")) {
		ret = touch_by_dma();
	}
	pr_notice("rmptouch: %s of 0x%lx: %d\n", how, page, ret);
	return ret;
}

static void __exit rmptouch_exit(void)
{
}

module_init(rmptouch_init);
module_exit(rmptouch_exit);
MODULE_DESCRIPTION("Write where the RMP may refuse it");
MODULE_LICENSE("GPL");
