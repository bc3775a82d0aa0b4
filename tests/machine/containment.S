# The code of pyuk/machine/containment.py: test_containment assembles this and compares. System V ABI.
#
# Each stub is called instead of the library's function of its name; `real_*` are those functions. A thread's value of
# `key` is the address of its last frame in tb_gen_code: of the words that this pushed.

    .intel_syntax noprefix

    .set N_TEMPS, 512              # TCG_MAX_TEMPS, the size of TCGContext.temps
    .set NB_GLOBALS, 0x2c          # TCGContext.nb_globals,
    .set NB_TEMPS, 0x30            # .nb_temps
    .set TEMPS, 0x388              # and .temps: the globals come first, then T0, T1 and A0
    .set TEMP_BYTES, 56
    .set A0, TEMPS + 2 * TEMP_BYTES
    .set INDEX_OP_INSN_START, 0x81
    .set MAX_INSNS, 512            # TCG_MAX_INSNS
    .set EXCP06_ILLOP, 6

    .set FRAME_BYTES, 56           # the frame, without the registers to restore
    .set N_INSNS, 8                # how many instructions to translate at most; afterwards, how many were asked for
    .set CFLAGS, 16
    .set FLAGS, 24
    .set CS_BASE, 32
    .set PC, 40
    .set CPU, 48

# TranslationBlock *tb_gen_code(CPUState *cpu, pc, cs_base, uint32_t flags, int cflags)
tb_gen_code:
    push rbx
    push rbp
    push r12
    push r13
    push r14
    push r15
    push rdi
    push rsi
    push rdx
    push rcx
    push r8
    push MAX_INSNS
    push 0                         # so that the stack is aligned
    mov  edi, [rip + key]
    mov  rsi, rsp
    call [rip + pthread_setspecific]
again:
    mov  r8, [rsp + CFLAGS]
    mov  rcx, [rsp + FLAGS]
    mov  rdx, [rsp + CS_BASE]
    mov  rsi, [rsp + PC]
    mov  rdi, [rsp + CPU]
    call [rip + real_tb_gen_code]
    add  rsp, FRAME_BYTES
    pop  r15
    pop  r14
    pop  r13
    pop  r12
    pop  rbp
    pop  rbx
    ret
    .balign 16, 0xcc

# void gen_intermediate_code(CPUState *cpu, TranslationBlock *tb, int max_insns)
gen_intermediate_code:
    push rdi
    push rsi
    push rdx
    mov  edi, [rip + key]
    call [rip + pthread_getspecific]
    pop  rdx
    pop  rsi
    pop  rdi
    cmp  edx, [rax + N_INSNS]
    cmova edx, [rax + N_INSNS]
    mov  [rax + N_INSNS], edx
    jmp  [rip + real_gen_intermediate_code]
    .balign 16, 0xcc

# TCGTemp *tcg_temp_new_internal(TCGContext *s, TCGType type, bool temp_local)
tcg_temp_new_internal:
    cmp  dword ptr [rdi + NB_TEMPS], N_TEMPS
    jae  failed
    jmp  [rip + real_tcg_temp_new_internal]
    .balign 16, 0xcc

# void tcg_gen_op2(TCGContext *s, TCGOpcode opc, TCGArg a1, TCGArg a2)
# Where an instruction begins, DisasContext.A0, the address of its operand in memory, is worth nothing. Without this
# `lock bts` of a register, which does not set it, would use that of an instruction before it in its block.
tcg_gen_op2:
    cmp  esi, INDEX_OP_INSN_START
    jne  1f
    push rdi
    push rdx
    push rcx
    movsxd rdx, dword ptr [rdi + NB_GLOBALS]
    imul rdx, rdx, TEMP_BYTES
    lea  rdx, [rdi + rdx + A0]
    xor  esi, esi                  # INDEX_op_discard
    call [rip + tcg_gen_op1]
    pop  rcx
    pop  rdx
    pop  rdi
    mov  esi, INDEX_OP_INSN_START
1:  jmp  [rip + real_tcg_gen_op2]
    .balign 16, 0xcc

# void abort(void): the translator's is a failure to translate
abort:
    mov  rax, [rsp]
    sub  rax, [rip + sites_0]
    cmp  rax, [rip + n_sites_0]
    jb   failed
    mov  rax, [rsp]
    sub  rax, [rip + sites_1]
    cmp  rax, [rip + n_sites_1]
    jae  2f
failed:
    sub  rsp, 8
    mov  edi, [rip + key]
    call [rip + pthread_getspecific]
    add  rsp, 8
    test rax, rax
    jz   2f
    mov  rsp, rax
    mov  eax, [rsp + N_INSNS]
    cmp  eax, 1
    je   1f                        # one instruction alone
    shr  eax, 3                    # 64, 8, 1
    cmp  eax, 1
    adc  eax, 0                    # not 0
    mov  [rsp + N_INSNS], eax
    jmp  again
1:  mov  rdi, [rsp + CPU]
    add  rdi, [rip + env_at]
    mov  esi, EXCP06_ILLOP
    call [rip + raise_exception]   # which does not return
2:  jmp  [rip + real_abort]
    .balign 16, 0xcc

# void helper_idivl_EAX(CPUX86State *env, int divisor); env begins with RAX, RCX, RDX
idivl:
    cmp  esi, -1
    jne  1f
    cmp  dword ptr [rdi], 0
    jne  1f
    cmp  dword ptr [rdi + 16], 0x80000000
    jne  1f
    xor  esi, esi
1:  jmp  [rip + real_idivl]
    .balign 16, 0xcc

# void helper_pcmpestri_xmm, helper_pcmpestrm_xmm(CPUX86State *env, Reg *d, Reg *s, uint32_t ctrl)
# With RAX and RDX brought to -16..16. Neither writes them.
pcmpestri:
    mov  rax, [rip + real_pcmpestri]
    jmp  1f
    .balign 16, 0xcc
pcmpestrm:
    mov  rax, [rip + real_pcmpestrm]
1:  push rdi
    push [rdi]
    push [rdi + 16]
    mov  r8, [rdi]
    call clamp
    mov  [rdi], r8
    mov  r8, [rdi + 16]
    call clamp
    mov  [rdi + 16], r8
    call rax
    pop  rax
    pop  rcx
    pop  rdi
    mov  [rdi + 16], rax
    mov  [rdi], rcx
    ret
clamp:
    bt   ecx, 8                    # REX.W; without it the length is r8d
    jc   1f
    movsxd r8, r8d
1:  cmp  r8, 16
    jg   2f
    cmp  r8, -16
    jge  3f
2:  mov  r8d, 16
3:  ret
    .balign 16, 0xcc

# The words that containment.py puts here, in its order
constants:
real_abort: .quad 0
real_tb_gen_code: .quad 0
real_gen_intermediate_code: .quad 0
real_tcg_temp_new_internal: .quad 0
real_tcg_gen_op2: .quad 0
real_idivl: .quad 0
real_pcmpestri: .quad 0
real_pcmpestrm: .quad 0
pthread_getspecific: .quad 0
pthread_setspecific: .quad 0
tcg_gen_op1: .quad 0
raise_exception: .quad 0
sites_0: .quad 0
sites_1: .quad 0
n_sites_0: .quad 0
n_sites_1: .quad 0
env_at: .quad 0
key: .quad 0
