/* SHA-256 (FIPS 180-4), for the line that two people compare after a run. */
#ifndef FNET_SHA256_H
#define FNET_SHA256_H

#include <stddef.h>
#include <stdint.h>

struct sha256 {
    uint32_t state[8];
    uint64_t bytes;
    uint8_t block[64];
};

/* Start, add any number of times, end: the digest as 64 hexadecimal digits and a zero byte. */
void sha256_start(struct sha256 *hash);
void sha256_add(struct sha256 *hash, const void *data, size_t bytes);
void sha256_end(struct sha256 *hash, char hex[65]);

#endif
