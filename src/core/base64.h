/* Base64 (RFC 4648, section 4), for bytes inside a page. */
#ifndef FNET_BASE64_H
#define FNET_BASE64_H

#include <stddef.h>
#include <stdint.h>

/* The letters that so many bytes become, with the padding; no zero byte behind them. */
#define BASE64_LENGTH(size) (((size) + 2) / 3 * 4)

/* Writes them to `to`. */
void base64_encode(char *to, const uint8_t *bytes, size_t size);

#endif
