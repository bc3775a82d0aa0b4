// Square roots and quotients are correctly rounded in all three widths: x87 works with 64-bit mantissas from the
// start (a control word of 0 would cut them to 24 bits, and sqlite once printed sqrt(2) = 1.41421356201171 for it),
// SSE rounds to nearest and keeps denormal numbers. IEEE 754; SDM vol. 1, 8.1.5 and 10.2.3.
#include "raw.h"

static unsigned long bits(double x)
{
    unsigned long result;
    memcpy(&result, &x, sizeof result);
    return result;
}

static unsigned long mantissa(long double x)
{
    unsigned long result;
    memcpy(&result, &x, sizeof result); // the low 8 of 10 bytes
    return result;
}

int main(int argc, char **argv, char **envp)
{
    (void)argv, (void)envp;
    volatile double one = 1, two = 2, three = 3, root;
    __asm__("sqrtsd %1, %0" : "=x"(root) : "x"(two));
    EQ(bits(root), 0x3ff6a09e667f3bcd);
    EQ(bits(one / three), 0x3fd5555555555555);
    EQ(bits(two / three), 0x3fe5555555555555);

    volatile float two_f = 2, root_f;
    unsigned root_f_bits;
    __asm__("sqrtss %1, %0" : "=x"(root_f) : "x"(two_f));
    memcpy(&root_f_bits, (const void *)&root_f, 4);
    EQ(root_f_bits, 0x3fb504f3);

    volatile long double two_l = 2, three_l = 3, one_l = 1;
    long double root_l;
    __asm__("fsqrt" : "=t"(root_l) : "0"(two_l));
    EQ(mantissa(root_l), 0xb504f333f9de6484);
    EQ(mantissa(one_l / three_l), 0xaaaaaaaaaaaaaaab);
    long double pi;
    __asm__("fldpi" : "=t"(pi));
    EQ(mantissa(pi), 0xc90fdaa22168c235);

    // 1 + 2^-63 is not 1 with a 64-bit mantissa; 1 + 2^-52 is not 1 with 53 bits, and 1 + 2^-53 is (a tie, to even).
    volatile long double tiny_l = 1.0L / 9223372036854775808.0L;
    CHECK(one_l + tiny_l != one_l);
    CHECK(bits(one + 0x1p-52 * argc) != bits(one));
    CHECK(bits(one + 0x1p-53 * argc) == bits(one));

    volatile double denormal = 0x1p-1074;
    CHECK(denormal != 0);                       // no DAZ
    CHECK(denormal / two * two == 0);           // half of it underflows to even
    CHECK(0x1p-1022 * argc / two != 0);         // no FTZ

    // Conversions: x87 fistp and SSE cvtsd2si round to nearest even; cvttsd2si cuts; what does not fit is "indefinite".
    long number;
    volatile double two_and_half = 2.5, huge = 1e300;
    __asm__("cvtsd2si %1, %0" : "=r"(number) : "x"(two_and_half));
    EQ(number, 2);
    __asm__("cvttsd2si %1, %0" : "=r"(number) : "x"(-two_and_half));
    EQ(number, -2);
    __asm__("cvtsd2si %1, %0" : "=r"(number) : "x"(huge));
    EQ(number, 0x8000000000000000);
    volatile long double three_and_half = 3.5;
    __asm__("fistpll %0" : "=m"(number) : "t"(three_and_half) : "st");
    EQ(number, 4);
    return 0;
}
