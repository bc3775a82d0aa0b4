// Reading /proc without a libc: whole files, numbers by their key or place, words of a line.
#ifndef RAW_PROC_H
#define RAW_PROC_H

#include "raw_process.h"

#include <linux/stat.h>

#define TEXT_BYTES 65536

static char text[TEXT_BYTES];   // what slurp has read, with a NUL
static long n_text;

static inline long open_at(const char *path, int flags)
{
    return sys(open, path, flags, 0);
}

// Read all of an open file from where it is; gives the number of bytes or the error
static inline long slurp_fd(long fd)
{
    n_text = 0;
    for (;;) {
        long n = sys(read, fd, text + n_text, TEXT_BYTES - 1 - n_text);
        if (n < 0)
            return n;
        if (n == 0)
            break;
        n_text += n;
    }
    text[n_text] = 0;
    return n_text;
}

static inline long slurp(const char *path)
{
    long fd = open_at(path, O_RDONLY);
    if (fd < 0)
        return fd;
    long n = slurp_fd(fd);
    sys(close, fd);
    return n;
}

static inline long put(const char *path, const char *what)
{
    long fd = open_at(path, O_WRONLY);
    if (fd < 0)
        return fd;
    long n = sys(write, fd, what, strlen(what));
    sys(close, fd);
    return n;
}

static inline int starts_with(const char *s, const char *prefix)
{
    while (*prefix)
        if (*s++ != *prefix++)
            return 0;
    return 1;
}

// Where the value of a line "key<spaces>value" begins, NULL if there is no such line
static inline char *value_of(const char *key)
{
    for (char *line = text; *line;) {
        if (starts_with(line, key)) {
            char *value = line + strlen(key);
            while (*value == ' ' || *value == '\t')
                value++;
            return value;
        }
        while (*line && *line++ != '\n')
            ;
    }
    return NULL;
}

static inline unsigned long parse(const char *s, int base)
{
    unsigned long value = 0;
    for (;; s++) {
        int digit = *s >= '0' && *s <= '9' ? *s - '0' : *s >= 'a' && *s <= 'f' ? *s - 'a' + 10 : 99;
        if (digit >= base)
            return value;
        value = value * base + digit;
    }
}

static inline long number_of(const char *key)
{
    char *value = value_of(key);
    return value == NULL ? -1 : *value == '-' ? -(long)parse(value + 1, 10) : (long)parse(value, 10);
}

static inline unsigned long hex_of(const char *key)
{
    char *value = value_of(key);
    return value == NULL ? ~0UL : parse(value, 16);
}

// The n-th word of s, from 0; words end at blanks
static inline char *word(char *s, int n)
{
    for (;;) {
        while (*s == ' ' || *s == '\t')
            s++;
        if (n-- == 0)
            return s;
        while (*s && *s != ' ' && *s != '\t' && *s != '\n')
            s++;
    }
}

static inline long word_number(char *s, int n)
{
    s = word(s, n);
    return *s == '-' ? -(long)parse(s + 1, 10) : (long)parse(s, 10);
}

// Field n of a stat line, counted from 1 as in proc(5); 3 and up: the name may have blanks
static inline char *stat_field(int n)
{
    char *end = text + n_text;
    while (*end != ')')
        end--;
    return word(end + 1, n - 3);
}

static inline long stat_number(int n)
{
    return word_number(stat_field(n), 0);
}

static inline long count_words(const char *s)
{
    long n = 0;
    for (; *s && *s != '\n'; s++)
        n += *s != ' ' && (s[1] == ' ' || s[1] == '\n' || s[1] == 0);
    return n;
}

static inline long count_lines(void)
{
    long n = 0;
    for (long i = 0; i < n_text; i++)
        n += text[i] == '\n';
    return n;
}

// "/proc/<pid>/<rest>" in one of four buffers
static inline char *proc_path(long pid, const char *rest)
{
    static char buffers[4][128];
    static int turn;
    char digits[24], *out = buffers[turn++ & 3], *start = out;
    for (const char *s = "/proc/"; *s;)
        *out++ = *s++;
    digits[23] = 0;
    for (const char *s = print_number(digits + 23, pid, 10); *s;)
        *out++ = *s++;
    if (*rest)
        *out++ = '/';
    while ((*out++ = *rest++))
        ;
    return start;
}

static inline long link_of(const char *path)
{
    n_text = sys(readlink, path, text, TEXT_BYTES - 1);
    text[n_text < 0 ? 0 : n_text] = 0;
    return n_text;
}

// Whether a directory has a name
struct dirent64 {
    unsigned long ino;
    long off;
    unsigned short reclen;
    unsigned char type;
    char name[];
};

static inline int lists(const char *path, const char *name)
{
    static char entries[4096];
    long fd = open_at(path, O_RDONLY | O_DIRECTORY), n, found = 0;
    if (fd < 0)
        return fd;
    while ((n = sys(getdents64, fd, entries, sizeof entries)) > 0)
        for (long at = 0; at < n; at += ((struct dirent64 *)(entries + at))->reclen)
            found |= strcmp(((struct dirent64 *)(entries + at))->name, name) == 0;
    sys(close, fd);
    return n < 0 ? n : found;
}

#endif
