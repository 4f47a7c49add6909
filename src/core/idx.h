/* IDX files, the format of MNIST and its relatives, plain or compressed with gzip, read in two phases: idx_open
   reads and checks the header, so that the caller knows how much memory to bring; idx_read fills that memory in
   one pass and checks that the file ends where the header says.
   Invariant: no memory for the elements is allocated here, and nothing is decompressed beyond the declared size
   and one byte more.
   A reader starts as zeros, and idx_close is owed to it after idx_open, whatever that returned; it closes the file.
   The caller puts the file's name in front of a message. */
#ifndef FNET_IDX_H
#define FNET_IDX_H

#include "decode.h"
#include "stream.h"

#include <stdio.h>

#define IDX_BUFFER_SIZE (256 * 1024)
#define IDX_DEFAULT_LIMIT ((uint64_t)4 << 30) /* bytes */

struct idx_reader {
    struct tensor layout; /* what idx_read delivers; data is NULL */
    char message[256];    /* set by the function that returned false */
    int code;             /* errno where the environment refused; 0 where the file is damaged */

    /* Private to idx.c. */
    FILE *file;
    struct stream stream; /* from and left are the unread part of the buffer, for plain files too */
    bool compressed;
    bool ended;     /* the gzip member ended, checksum and length verified */
    size_t decoded; /* bytes delivered so far, the header's among them */
    enum encoding encoding;
    int classes;
    unsigned char buffer[IDX_BUFFER_SIZE];
};

/* Takes over the file, open for reading in binary, and reads the header. limit: bytes that the tensor may take in
   memory. classes: 0 reads the elements as they are, int8 and int16 as int32; otherwise the file must hold labels
   from 0 to classes - 1 in one dimension, and they become int32 counted from 1. */
bool idx_open(struct idx_reader *reader, FILE *file, int classes, uint64_t limit);

/* Fills the tensor_bytes(&reader->layout) bytes at data; they are unset when it fails. */
bool idx_read(struct idx_reader *reader, void *data);

/* Closes the file and ends the decompression. */
void idx_close(struct idx_reader *reader);

#endif
