/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Serial port, formatting and the way out. */
#include <stdarg.h>
#include "snp.h"

#define COM1            0x3f8
#define COM1_STATUS     (COM1 + 5)
#define TX_EMPTY        0x20
#define DEBUG_EXIT      0xf4

static inline void outb(u16 port, u8 val)
{
    asm volatile("outb %0, %1" : : "a"(val), "Nd"(port));
}

static inline u8 inb(u16 port)
{
    u8 val;

    asm volatile("inb %1, %0" : "=a"(val) : "Nd"(port));
    return val;
}

void *memset(void *to, int byte, size_t n)
{
    void *start = to;

    asm volatile("rep stosb" : "+D"(to), "+c"(n) : "a"(byte) : "memory");
    return start;
}

void *memcpy(void *to, const void *from, size_t n)
{
    void *start = to;

    asm volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
    return start;
}

struct out {
    char *buf;
    size_t room;    /* without the final zero */
};

static void put(struct out *out, char c)
{
    if (out->room) {
        *out->buf++ = c;
        out->room--;
    }
}

static void put_number(struct out *out, u64 val, unsigned base)
{
    char digits[20];
    int n = 0;

    do {
        digits[n++] = "0123456789abcdef"[val % base];
        val /= base;
    } while (val);
    while (n) {
        put(out, digits[--n]);
    }
}

static void put_string(struct out *out, const char *s)
{
    while (*s) {
        put(out, *s++);
    }
}

/* %s, %d of a number that is not negative, %lx; nothing else */
void vformat(char *buf, size_t size, const char *fmt, va_list ap)
{
    struct out out = { buf, size - 1 };

    for (; *fmt; fmt++) {
        if (*fmt != '%') {
            put(&out, *fmt);
            continue;
        }
        switch (*++fmt) {
        case 's':
            put_string(&out, va_arg(ap, const char *));
            break;
        case 'd':
            put_number(&out, va_arg(ap, int), 10);
            break;
        case 'l':
            fmt++;
            put_number(&out, va_arg(ap, u64), 16);
            break;
        }
    }
    *out.buf = 0;
}

void format(char *buf, size_t size, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vformat(buf, size, fmt, ap);
    va_end(ap);
}

static void vprint(const char *fmt, va_list ap)
{
    char buf[256];

    vformat(buf, sizeof(buf), fmt, ap);
    for (char *s = buf; *s; s++) {
        while (!(inb(COM1_STATUS) & TX_EMPTY)) {
        }
        outb(COM1, *s);
    }
}

void print(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vprint(fmt, ap);
    va_end(ap);
}

void quit(int status)
{
    for (;;) {
        outb(DEBUG_EXIT, status);
    }
}

/* The tables cannot go on: say why, in KTAP's way */
void die(const char *fmt, ...)
{
    va_list ap;

    print("Bail out! ");
    va_start(ap, fmt);
    vprint(fmt, ap);
    va_end(ap);
    print("\n");
    quit(2);
}
