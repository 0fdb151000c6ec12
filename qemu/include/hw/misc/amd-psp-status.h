/*
 * Status codes of the secure processor's firmware
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HW_MISC_AMD_PSP_STATUS_H
#define HW_MISC_AMD_PSP_STATUS_H

/* One line per code: the enumerator and its printed name stay together */
#define PSP_STATUS_LIST(X)              \
    X(SUCCESS,                  0x00)   \
    X(INVALID_PLATFORM_STATE,   0x01)   \
    X(INVALID_GUEST_STATE,      0x02)   \
    X(INVALID_CONFIG,           0x03)   \
    X(INVALID_LEN,              0x04)   \
    X(ALREADY_OWNED,            0x05)   \
    X(INVALID_CERTIFICATE,      0x06)   \
    X(POLICY_FAILURE,           0x07)   \
    X(INACTIVE,                 0x08)   \
    X(INVALID_ADDRESS,          0x09)   \
    X(BAD_SIGNATURE,            0x0a)   \
    X(BAD_MEASUREMENT,          0x0b)   \
    X(ASID_OWNED,               0x0c)   \
    X(INVALID_ASID,             0x0d)   \
    X(WBINVD_REQUIRED,          0x0e)   \
    X(DFFLUSH_REQUIRED,         0x0f)   \
    X(INVALID_GUEST,            0x10)   \
    X(INVALID_COMMAND,          0x11)   \
    X(ACTIVE,                   0x12)   \
    X(HWERROR_PLATFORM,         0x13)   \
    X(HWERROR_UNSAFE,           0x14)   \
    X(UNSUPPORTED,              0x15)   \
    X(INVALID_PARAM,            0x16)   \
    X(RESOURCE_LIMIT,           0x17)   \
    X(SECURE_DATA_INVALID,      0x18)   \
    X(INVALID_PAGE_SIZE,        0x19)   \
    X(INVALID_PAGE_STATE,       0x1a)   \
    X(INVALID_MDATA_ENTRY,      0x1b)   \
    X(INVALID_PAGE_OWNER,       0x1c)   \
    X(AEAD_OFLOW,               0x1d)   \
    X(RMP_INIT_REQUIRED,        0x20)   \
    X(BAD_SVN,                  0x21)   \
    X(BAD_VERSION,              0x22)   \
    X(SHUTDOWN_REQUIRED,        0x23)   \
    X(UPDATE_FAILED,            0x24)   \
    X(RESTORE_REQUIRED,         0x25)   \
    X(RMP_INIT_FAILED,          0x26)   \
    X(INVALID_KEY,              0x27)   \
    X(SHUTDOWN_INCOMPLETE,      0x28)

#define PSP_STATUS_ENUM(name, value) PSP_##name = value,
enum { PSP_STATUS_LIST(PSP_STATUS_ENUM) };

#endif
