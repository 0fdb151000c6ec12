# SPDX-License-Identifier: GPL-2.0-only
"""The machine's secure processor, driven from outside: no guest, no CPU runs.

Over QEMU's qtest protocol this reads and writes physical memory and ports. A
guest's private memory reads as the guest sees it, so the secrets page gives
the keys with which a guest would seal its messages.
"""
import json
import os
import socket
import struct
import subprocess
import tempfile

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

PAGE = 4096
RAM_TOP = 0x1c0000000           # end of RAM with -m 5G on q35
RMP_SIZE = -(-(RAM_TOP // PAGE * 16 + 0x4000) // 0x200000) * 0x200000
RMP = RAM_TOP - RMP_SIZE + 0x4000
BAR = 0xc0000000
SLOT = 5
CMDBUF, IOMMU = 0x100000, 0xfed80000
FIRMWARE = 0b101                # assigned, immutable
DONE = 1 << 31

SNP_INIT_EX, GCTX_CREATE, ACTIVATE, GUEST_REQUEST = 0x85, 0x93, 0x91, 0x94
LAUNCH_START, LAUNCH_UPDATE, LAUNCH_FINISH = 0xa0, 0xa1, 0xa2
REPORT_REQ = 5
HEADER = 0x60


class Machine:
    """A stopped QEMU with the secure processor at 00:05.0, BAR 2 at BAR."""

    def __init__(self, qemu, device="", machine="", extra=(), stderr=subprocess.DEVNULL):
        self.dir = tempfile.TemporaryDirectory()
        path = os.path.join(self.dir.name, "qtest")
        bios = os.path.join(self.dir.name, "bios")
        with open(bios, "wb") as file:
            file.write(bytes(65536))
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
        listener.listen(1)
        listener.settimeout(60)
        self.process = subprocess.Popen(
            [qemu, "-accel", "tcg", "-S", "-m", "5G", "-vga", "none", "-net", "none", "-display", "none",
             "-global", "apic-common.vapic=off", "-bios", bios,
             "-machine", f"q35,x-snp-host=on,x-snp-crypt=off{machine}", *extra,
             "-device", "amd-iommu,snp=on", "-device", f"amd-psp,addr={SLOT},x-no-cpu-check=on{device}",
             "-qmp", f"unix:{path}.qmp,server=on,wait=off", "-qtest", f"unix:{path}"], stderr=stderr)
        self.monitor_path, self.monitor = path + ".qmp", None
        self.socket, _ = listener.accept()
        self.lines = self.socket.makefile("rw")
        listener.close()
        for register, value in ((0x18, BAR | 4), (0x1c, 0), (0x04, 6)):
            self.ask(f"outl 0xcf8 {1 << 31 | SLOT << 11 | register:#x}")
            self.ask(f"outl 0xcfc {value:#x}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.socket.close()
        if self.monitor:
            self.monitor.close()
        self.dir.cleanup()

    def ask(self, command):
        self.lines.write(command + "\n")
        self.lines.flush()
        answer = self.lines.readline().split()
        if not answer or answer[0] != "OK":
            raise RuntimeError(f"qtest: {command.split()[0]} answered {answer}")
        return answer[1:]

    def qmp(self, command, **arguments):
        """The answer of the monitor; events are passed over."""
        if not self.monitor:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.connect(self.monitor_path)
                self.monitor = connection.makefile("rw")
            self.monitor.readline()
            self.qmp("qmp_capabilities")
        self.monitor.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self.monitor.flush()
        while "event" in (answer := json.loads(self.monitor.readline())):
            pass
        return answer["return"]

    def read(self, address, size):
        return bytes.fromhex(self.ask(f"read {address:#x} {size:#x}")[0][2:])

    def write(self, address, data):
        self.ask(f"write {address:#x} {len(data):#x} 0x{data.hex()}")

    def rmp(self, spa, low):
        self.write(RMP + spa // PAGE * 16, struct.pack("<QQ", low, 0))

    def command(self, number, buffer):
        """Issue a command and return the firmware's status."""
        self.write(CMDBUF, buffer)
        return self.issue(number, CMDBUF)

    def issue(self, number, address):
        """The same with the buffer as it is, wherever it is."""
        for register, value in ((0x109e0, address & 0xffffffff), (0x109e4, address >> 32), (0x10980, number << 16)):
            self.ask(f"writel {BAR + register:#x} {value:#x}")
        answer = int(self.ask(f"readl {BAR + 0x10980:#x}")[0], 16)
        assert answer & DONE
        return answer & 0xffff

    def must(self, number, buffer):
        status = self.command(number, buffer)
        if status:
            raise RuntimeError(f"command {number:#x}: status {status:#x}")

    def init(self):
        for register, value in ((0x00, 0x300000), (0x10, 0x400000 | 8 << 56), (0x38, 0x500000 | 8 << 56),
                                (0x20, 0x600000), (0x28, 0x600000), (0x18, 5)):
            self.ask(f"writeq {IOMMU + register:#x} {value:#x}")
        self.must(SNP_INIT_EX, struct.pack("<I", 1).ljust(64, b"\0"))


class Guest:
    """One SNP guest from its context to its messages."""

    def __init__(self, machine, context=0x10000000, asid=7, policy=0x30000):
        self.machine, self.context, self.asid = machine, context, asid
        self.next_page, self.sequence = context + PAGE, 0
        self.keys = None
        machine.rmp(context, FIRMWARE)
        machine.must(GCTX_CREATE, struct.pack("<Q", context))
        machine.must(LAUNCH_START, struct.pack("<QQ", context, policy).ljust(48, b"\0"))
        machine.must(ACTIVATE, struct.pack("<QI", context, asid))

    def page(self):
        self.next_page += PAGE
        return self.next_page - PAGE

    def update(self, kind, gpa, content=bytes(PAGE), perms=(0, 0, 0)):
        """Add a page to the launch; returns where it is in memory."""
        spa = self.page()
        self.machine.write(spa, content)
        # The entry that RMPUPDATE would leave; without ciphertext the content is the same for both owners
        self.machine.rmp(spa, FIRMWARE | self.asid << 51 | gpa)
        buffer = struct.pack("<QIIQ", self.context, kind << 1, 0, spa) + bytes((0, *perms)) + bytes(4)
        self.machine.must(LAUNCH_UPDATE, buffer)
        return spa

    def finish(self, host_data=bytes(32)):
        self.machine.must(LAUNCH_FINISH, struct.pack("<QQQQ", self.context, 0, 0, 0) + host_data)

    def learn_keys(self, secrets):
        page = self.machine.read(secrets, PAGE)
        self.keys = [page[0x20 + 32 * i:0x40 + 32 * i] for i in range(4)]

    def seal(self, kind, payload, key=0):
        header = struct.pack("<BBHBBHIB", 1, 1, HEADER, kind, 1, len(payload), 0, key).ljust(48, b"\0")
        sealed = AESGCM(self.keys[key]).encrypt(struct.pack("<QI", self.sequence + 1, 0), payload, header)
        front = sealed[-16:].ljust(32, b"\0") + struct.pack("<QQ", self.sequence + 1, 0)
        return (front + header + sealed[:-16]).ljust(PAGE, b"\0")

    def open(self, page, key=0):
        size = struct.unpack_from("<H", page, 0x36)[0]
        sequence = struct.unpack_from("<Q", page, 0x20)[0]
        sealed = page[HEADER:HEADER + size] + page[:16]
        try:
            plain = AESGCM(self.keys[key]).decrypt(struct.pack("<QI", sequence, 0), sealed, page[0x30:HEADER])
        except InvalidTag:
            raise ValueError("the answer's seal is broken") from None
        return plain, sequence, page[0x34]

    def send(self, message):
        """Pass a sealed page to the firmware: its status and its answer."""
        request, answer = self.page(), self.page()
        self.machine.write(request, message)
        self.machine.rmp(answer, FIRMWARE)
        status = self.machine.command(GUEST_REQUEST, struct.pack("<QQQ", self.context, request, answer))
        return status, self.machine.read(answer, PAGE)

    def request(self, kind, payload, key=0):
        status, page = self.send(self.seal(kind, payload, key))
        if status:
            raise RuntimeError(f"guest request: status {status:#x}")
        plain, self.sequence, answered = self.open(page, key)
        assert answered == kind + 1
        return plain

    def report(self, data=bytes(64), vmpl=0):
        plain = self.request(REPORT_REQ, data + struct.pack("<II", vmpl, 0) + bytes(24))
        status, size = struct.unpack_from("<II", plain)
        return status, plain[32:32 + size]
