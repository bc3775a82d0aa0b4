// build: -O1 -Wall -Wextra
//
// deathwatch PROGRAM [ARG...]: how does the real kernel end this program? One line on standard output:
//
//   SIGSEGV SEGV_MAPERR addr=0x0 rip=0x4010d1 at=fault+0x0 flags=CF|PF regs=HASH witness=0x5a5a5a5a count=0x1
//   exited 99
//
// The program runs natively under ptrace(2), without address randomisation, with an 8 MiB stack limit and an empty
// environment; the line tells its state at the first signal that the CPU or the kernel itself raised (si_code > 0).
//
//   addr     si_addr. rip: the instruction pointer; at: that against the symbol `fault`, or the nearest symbol below
//   flags    the arithmetic flags and DF; the other bits depend on how the trap was taken
//   regs     FNV-1a, 64 bit, over rax rcx rdx rbx rsp rbp rsi rdi r8..r15, each as 8 little-endian bytes
//   witness, count   the quadwords at these symbols, if the program has them (guest/cpu/deaths/death.inc)
//
// Option -r adds the registers themselves. Status 0 when a line was printed, 2 when ptrace is not to be had here.
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

static void die(const char *what)
{
    fprintf(stderr, "deathwatch: %s: %s\n", what, strerror(errno));
    exit(2);
}

// --- the program's symbols -------------------------------------------------------------------------------------

static const Elf64_Sym *symbols;
static size_t n_symbols;
static const char *symbol_names;

static void load_symbols(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0)
        die(path);
    const char *image = mmap(NULL, st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    if (image == MAP_FAILED || (size_t)st.st_size < sizeof(Elf64_Ehdr) || memcmp(image, ELFMAG, SELFMAG) != 0)
        return;
    const Elf64_Ehdr *ehdr = (const void *)image;
    const Elf64_Shdr *sections = (const void *)(image + ehdr->e_shoff);
    for (int i = 0; i < ehdr->e_shnum; i++) {
        if (sections[i].sh_type != SHT_SYMTAB)
            continue;
        symbols = (const void *)(image + sections[i].sh_offset);
        n_symbols = sections[i].sh_size / sizeof *symbols;
        symbol_names = image + sections[sections[i].sh_link].sh_offset;
    }
}

static const Elf64_Sym *symbol_named(const char *name)
{
    for (size_t i = 0; i < n_symbols; i++)
        if (strcmp(symbol_names + symbols[i].st_name, name) == 0)
            return &symbols[i];
    return NULL;
}

static void print_place(uint64_t rip)
{
    const Elf64_Sym *fault = symbol_named("fault");
    const Elf64_Sym *best = fault && rip >= fault->st_value && rip - fault->st_value < 16 ? fault : NULL;
    for (size_t i = 0; !best && i < n_symbols; i++)
        if (symbols[i].st_size && rip >= symbols[i].st_value && rip - symbols[i].st_value < symbols[i].st_size)
            best = &symbols[i];
    if (best)
        printf(" at=%s+0x%lx", symbol_names + best->st_name, rip - best->st_value);
    else
        printf(" at=-");
}

static void print_quadword(pid_t pid, const char *name)
{
    const Elf64_Sym *symbol = symbol_named(name);
    if (!symbol)
        return;
    errno = 0;
    long value = ptrace(PTRACE_PEEKDATA, pid, (void *)symbol->st_value, NULL);
    if (errno)
        die(name);
    printf(" %s=0x%lx", name, value);
}

// --- names -----------------------------------------------------------------------------------------------------

static const char *code_name(int signo, int code)
{
    static char number[16];
    if (code == SI_KERNEL)
        return "SI_KERNEL";
    switch (signo << 8 | code) {
    case SIGSEGV << 8 | SEGV_MAPERR: return "SEGV_MAPERR";
    case SIGSEGV << 8 | SEGV_ACCERR: return "SEGV_ACCERR";
    case SIGBUS << 8 | BUS_ADRALN: return "BUS_ADRALN";
    case SIGBUS << 8 | BUS_ADRERR: return "BUS_ADRERR";
    case SIGILL << 8 | ILL_ILLOPC: return "ILL_ILLOPC";
    case SIGILL << 8 | ILL_ILLOPN: return "ILL_ILLOPN";
    case SIGFPE << 8 | FPE_INTDIV: return "FPE_INTDIV";
    case SIGFPE << 8 | FPE_INTOVF: return "FPE_INTOVF";
    case SIGFPE << 8 | FPE_FLTDIV: return "FPE_FLTDIV";
    case SIGFPE << 8 | FPE_FLTINV: return "FPE_FLTINV";
    case SIGTRAP << 8 | TRAP_BRKPT: return "TRAP_BRKPT";
    case SIGTRAP << 8 | TRAP_TRACE: return "TRAP_TRACE";
    }
    snprintf(number, sizeof number, "%d", code);
    return number;
}

static void print_flags(uint64_t eflags)
{
    static const struct { int bit; const char *name; } flags[] = {
        {0, "CF"}, {2, "PF"}, {4, "AF"}, {6, "ZF"}, {7, "SF"}, {10, "DF"}, {11, "OF"},
    };
    const char *separator = " flags=";
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        if (eflags >> flags[i].bit & 1) {
            printf("%s%s", separator, flags[i].name);
            separator = "|";
        }
    if (separator[0] == ' ')
        printf(" flags=0");
}

// --- the death -------------------------------------------------------------------------------------------------

static void report(pid_t pid, const siginfo_t *info, int with_registers)
{
    struct user_regs_struct r;
    if (ptrace(PTRACE_GETREGS, pid, NULL, &r) < 0)
        die("PTRACE_GETREGS");
    const uint64_t values[16] = {r.rax, r.rcx, r.rdx, r.rbx, r.rsp, r.rbp, r.rsi, r.rdi,
                                 r.r8, r.r9, r.r10, r.r11, r.r12, r.r13, r.r14, r.r15};
    static const char *const names[16] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                          "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"};
    uint64_t hash = 0xcbf29ce484222325;
    for (int i = 0; i < 16; i++)
        for (int shift = 0; shift < 64; shift += 8)
            hash = (hash ^ (values[i] >> shift & 0xff)) * 0x100000001b3;

    printf("SIG%s %s addr=0x%lx rip=0x%llx", sigabbrev_np(info->si_signo), code_name(info->si_signo, info->si_code),
           (unsigned long)info->si_addr, r.rip);
    print_place(r.rip);
    print_flags(r.eflags);
    printf(" regs=%016lx", hash);
    print_quadword(pid, "witness");
    print_quadword(pid, "count");
    for (int i = 0; with_registers && i < 16; i++)
        printf(" %s=0x%lx", names[i], values[i]);
    printf("\n");
}

static void become(char **argv)
{
    struct rlimit stack;
    char *environment[] = {NULL};
    getrlimit(RLIMIT_STACK, &stack);
    stack.rlim_cur = 8 << 20;
    if (setrlimit(RLIMIT_STACK, &stack) < 0 || personality(ADDR_NO_RANDOMIZE) < 0)
        die("cannot fix the layout");
    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
        die("PTRACE_TRACEME");
    execve(argv[0], argv, environment);
    die(argv[0]);
}

int main(int argc, char **argv)
{
    int with_registers = argc > 1 && strcmp(argv[1], "-r") == 0;
    char **program = argv + 1 + with_registers;
    if (!*program) {
        fprintf(stderr, "usage: deathwatch [-r] PROGRAM [ARG...]\n");
        return 2;
    }
    load_symbols(*program);

    pid_t pid = fork();
    if (pid < 0)
        die("fork");
    if (pid == 0)
        become(program);

    int status, started = 0;
    while (waitpid(pid, &status, 0) == pid) {
        if (WIFEXITED(status)) {
            if (!started)
                return 2; // the child has said why
            printf("exited %d\n", WEXITSTATUS(status));
            return 0;
        }
        if (WIFSIGNALED(status)) {
            printf("SIG%s without a signal-delivery-stop\n", sigabbrev_np(WTERMSIG(status)));
            return 0;
        }
        int signo = WSTOPSIG(status);
        if (!started) { // the SIGTRAP that execve raises for a tracee
            started = 1;
            if (ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_EXITKILL) < 0)
                die("PTRACE_SETOPTIONS");
            signo = 0;
        } else {
            siginfo_t info;
            if (ptrace(PTRACE_GETSIGINFO, pid, NULL, &info) < 0)
                die("PTRACE_GETSIGINFO");
            if (info.si_code > 0) {
                report(pid, &info, with_registers);
                kill(pid, SIGKILL);
                return 0;
            }
        }
        if (ptrace(PTRACE_CONT, pid, NULL, (void *)(long)signo) < 0)
            die("PTRACE_CONT");
    }
    die("waitpid");
}
