/*
 * TDX module emulation: status codes
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What a leaf leaves in RAX. Bit 63 says error, bit 62 that a retry is vain,
 * bits 47:32 name the status, bits 31:0 detail it: mostly an operand.
 */
#ifndef TARGET_I386_TDX_STATUS_H
#define TARGET_I386_TDX_STATUS_H

#define TDX_STATUS(code)                ((uint64_t)(code) << 32)
#define TDX_STATUS_ERROR                (1ull << 63)

#define TDX_SUCCESS                             TDX_STATUS(0)
#define TDX_NON_RECOVERABLE_VCPU                TDX_STATUS(0x40000001)
#define TDX_NON_RECOVERABLE_TD                  TDX_STATUS(0x60000002)
#define TDX_INTERRUPTED_RESUMABLE               TDX_STATUS(0x80000003)
#define TDX_INTERRUPTED_RESTARTABLE             TDX_STATUS(0x80000004)
#define TDX_NON_RECOVERABLE_TD_NON_ACCESSIBLE   TDX_STATUS(0x60000005)
#define TDX_INVALID_RESUMPTION                  TDX_STATUS(0xc0000006)
#define TDX_NON_RECOVERABLE_TD_WRONG_APIC_MODE  TDX_STATUS(0xe0000007)
#define TDX_OPERAND_INVALID                     TDX_STATUS(0xc0000100)
#define TDX_OPERAND_ADDR_RANGE_ERROR            TDX_STATUS(0xc0000101)
#define TDX_OPERAND_BUSY                        TDX_STATUS(0x80000200)
#define TDX_PREVIOUS_TLB_EPOCH_BUSY             TDX_STATUS(0x80000201)
#define TDX_SYS_BUSY                            TDX_STATUS(0x80000202)
#define TDX_RND_NO_ENTROPY                      TDX_STATUS(0x80000203)
#define TDX_OPERAND_BUSY_HOST_PRIORITY          TDX_STATUS(0x80000204)
#define TDX_PAGE_METADATA_INCORRECT             TDX_STATUS(0xc0000300)
#define TDX_PAGE_ALREADY_FREE                   TDX_STATUS(0x00000301)
#define TDX_PAGE_NOT_OWNED_BY_TD                TDX_STATUS(0xc0000302)
#define TDX_PAGE_NOT_FREE                       TDX_STATUS(0xc0000303)
#define TDX_TD_ASSOCIATED_PAGES_EXIST           TDX_STATUS(0xc0000400)
#define TDX_SYS_INIT_NOT_PENDING                TDX_STATUS(0xc0000500)
#define TDX_SYS_LP_INIT_NOT_DONE                TDX_STATUS(0xc0000502)
#define TDX_SYS_LP_INIT_DONE                    TDX_STATUS(0xc0000503)
#define TDX_SYS_NOT_READY                       TDX_STATUS(0xc0000505)
#define TDX_SYS_SHUTDOWN                        TDX_STATUS(0xc0000506)
#define TDX_SYS_KEY_CONFIG_NOT_PENDING          TDX_STATUS(0xc0000507)
#define TDX_SYS_STATE_INCORRECT                 TDX_STATUS(0xc0000508)
#define TDX_SYS_LP_INIT_NOT_PENDING             TDX_STATUS(0xc000050b)
#define TDX_SYS_CONFIG_NOT_PENDING              TDX_STATUS(0xc000050c)
#define TDX_TD_FATAL                            TDX_STATUS(0xe0000604)
#define TDX_TD_NON_DEBUG                        TDX_STATUS(0xc0000605)
#define TDX_TDCS_NOT_ALLOCATED                  TDX_STATUS(0xc0000606)
#define TDX_LIFECYCLE_STATE_INCORRECT           TDX_STATUS(0xc0000607)
#define TDX_OP_STATE_INCORRECT                  TDX_STATUS(0xc0000608)
#define TDX_NO_VCPUS                            TDX_STATUS(0xc0000609)
#define TDX_TDCX_NUM_INCORRECT                  TDX_STATUS(0xc0000610)
#define TDX_VCPU_STATE_INCORRECT                TDX_STATUS(0xc0000700)
#define TDX_VCPU_ASSOCIATED                     TDX_STATUS(0x80000701)
#define TDX_VCPU_NOT_ASSOCIATED                 TDX_STATUS(0x80000702)
#define TDX_NO_VALID_VE_INFO                    TDX_STATUS(0xc0000704)
#define TDX_MAX_VCPUS_EXCEEDED                  TDX_STATUS(0xc0000705)
#define TDX_TSC_ROLLBACK                        TDX_STATUS(0xc0000706)
#define TDX_TD_VMCS_FIELD_NOT_INITIALIZED       TDX_STATUS(0xc0000730)
#define TDX_KEY_GENERATION_FAILED               TDX_STATUS(0x80000800)
#define TDX_TD_KEYS_NOT_CONFIGURED              TDX_STATUS(0x80000810)
#define TDX_KEY_STATE_INCORRECT                 TDX_STATUS(0xc0000811)
#define TDX_KEY_CONFIGURED                      TDX_STATUS(0x00000815)
#define TDX_WBCACHE_NOT_COMPLETE                TDX_STATUS(0x80000817)
#define TDX_HKID_NOT_FREE                       TDX_STATUS(0xc0000820)
#define TDX_NO_HKID_READY_TO_WBCACHE            TDX_STATUS(0x00000821)
#define TDX_WBCACHE_RESUME_ERROR                TDX_STATUS(0xc0000823)
#define TDX_FLUSHVP_NOT_DONE                    TDX_STATUS(0x80000824)
#define TDX_INCONSISTENT_CPUID_FIELD            TDX_STATUS(0xc0000902)
#define TDX_INVALID_TDMR                        TDX_STATUS(0xc0000a00)
#define TDX_NON_ORDERED_TDMR                    TDX_STATUS(0xc0000a01)
#define TDX_TDMR_OUTSIDE_CMRS                   TDX_STATUS(0xc0000a02)
#define TDX_TDMR_ALREADY_INITIALIZED            TDX_STATUS(0x00000a03)
#define TDX_INVALID_PAMT                        TDX_STATUS(0xc0000a10)
#define TDX_PAMT_OUTSIDE_CMRS                   TDX_STATUS(0xc0000a11)
#define TDX_PAMT_OVERLAP                        TDX_STATUS(0xc0000a12)
#define TDX_INVALID_RESERVED_IN_TDMR            TDX_STATUS(0xc0000a20)
#define TDX_NON_ORDERED_RESERVED_IN_TDMR        TDX_STATUS(0xc0000a21)
#define TDX_EPT_WALK_FAILED                     TDX_STATUS(0xc0000b00)
#define TDX_EPT_ENTRY_FREE                      TDX_STATUS(0xc0000b01)
#define TDX_EPT_ENTRY_NOT_FREE                  TDX_STATUS(0xc0000b02)
#define TDX_EPT_ENTRY_NOT_PRESENT               TDX_STATUS(0xc0000b03)
#define TDX_EPT_ENTRY_NOT_LEAF                  TDX_STATUS(0xc0000b04)
#define TDX_EPT_ENTRY_LEAF                      TDX_STATUS(0xc0000b05)
#define TDX_GPA_RANGE_NOT_BLOCKED               TDX_STATUS(0xc0000b06)
#define TDX_GPA_RANGE_ALREADY_BLOCKED           TDX_STATUS(0x00000b07)
#define TDX_TLB_TRACKING_NOT_DONE               TDX_STATUS(0xc0000b08)
#define TDX_EPT_INVALID_PROMOTE_CONDITIONS      TDX_STATUS(0xc0000b09)
#define TDX_PAGE_ALREADY_ACCEPTED               TDX_STATUS(0x00000b0a)
#define TDX_PAGE_SIZE_MISMATCH                  TDX_STATUS(0xc0000b0b)
#define TDX_GPA_RANGE_BLOCKED                   TDX_STATUS(0xc0000b0c)
#define TDX_EPT_ENTRY_STATE_INCORRECT           TDX_STATUS(0xc0000b0d)
#define TDX_EPT_PAGE_NOT_FREE                   TDX_STATUS(0xc0000b0e)
#define TDX_METADATA_FIELD_ID_INCORRECT         TDX_STATUS(0xc0000c00)
#define TDX_METADATA_FIELD_NOT_WRITABLE         TDX_STATUS(0xc0000c01)
#define TDX_METADATA_FIELD_NOT_READABLE         TDX_STATUS(0xc0000c02)
#define TDX_METADATA_FIELD_VALUE_NOT_VALID      TDX_STATUS(0xc0000c03)
#define TDX_METADATA_FIRST_FIELD_ID_IN_CONTEXT  TDX_STATUS(0x00000c0b)

/* Operands: bits 31:0 of TDX_OPERAND_INVALID and of others */
#define TDX_OPERAND_RAX         0
#define TDX_OPERAND_RCX         1
#define TDX_OPERAND_RDX         2
#define TDX_OPERAND_RBX         3
#define TDX_OPERAND_R8          8
#define TDX_OPERAND_R9          9
#define TDX_OPERAND_R10         10
#define TDX_OPERAND_R11         11
#define TDX_OPERAND_R12         12
#define TDX_OPERAND_R13         13
#define TDX_OPERAND_ATTRIBUTES  64
#define TDX_OPERAND_XFAM        65
#define TDX_OPERAND_EXEC_CONTROLS 66
#define TDX_OPERAND_EPTP_CONTROLS 67
#define TDX_OPERAND_MAX_VCPUS   68
#define TDX_OPERAND_CPUID_CONFIG 69
#define TDX_OPERAND_TSC_FREQUENCY 70
#define TDX_OPERAND_NUM_L2_VMS  71
#define TDX_OPERAND_PAGE        95
#define TDX_OPERAND_TDMR_INFO   96
#define TDX_OPERAND_TDR         128
#define TDX_OPERAND_TDCX        129
#define TDX_OPERAND_TDVPR       130
#define TDX_OPERAND_TDCS        144
#define TDX_OPERAND_TDVPS       145
#define TDX_OPERAND_SEPT_TREE   146
#define TDX_OPERAND_SEPT_ENTRY  147
#define TDX_OPERAND_TD_EPOCH    169
#define TDX_OPERAND_OP_STATE    172
#define TDX_OPERAND_METADATA    176
#define TDX_OPERAND_SYS         184
#define TDX_OPERAND_TDMR        185
#define TDX_OPERAND_KOT         186
#define TDX_OPERAND_WBCACHE     188

#endif
