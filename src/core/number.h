/* Decimal numbers as text, independent of the locale.
   Invariant: what is read is the double nearest to the written number, to even where two are equally near. */
#ifndef FNET_NUMBER_H
#define FNET_NUMBER_H

#include <stdbool.h>
#include <stddef.h>

/* *value = the number that the text is: a sign, digits with at most one decimal point, an exponent; infinite where
   that is beyond a double. thousands: what parts the whole digits in groups of three, '\0' for nothing. False for
   anything else, blanks, hexadecimal digits, "inf" and "nan" among it. */
bool number_parse(const char *text, size_t length, char decimal, char thousands, double *value);

#endif
