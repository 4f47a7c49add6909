/* IDX files, the format of MNIST and its relatives, plain or compressed with gzip, read in two phases: idx_open
   reads and checks the header, so that the caller knows how much memory to bring; idx_read fills that memory in
   one pass and checks that the file ends where the header says.
   Invariant: no memory for the elements is allocated here.
   A reader starts as zeros, and idx_close is owed to it after idx_open, whatever that returned; it closes the file.
   The caller puts the file's name in front of a message. */
#ifndef FNET_IDX_H
#define FNET_IDX_H

#include "input.h"

#define IDX_DEFAULT_LIMIT ((uint64_t)4 << 30) /* bytes */
#define IDX_BEGINNING 512                     /* bytes that tell what another file is */

struct idx_reader {
    struct tensor layout; /* what idx_read delivers; data is NULL */
    enum encoding encoding;
    struct input input; /* has the message and the code of what failed; taken: where the elements begin */
    unsigned char beginning[IDX_BEGINNING]; /* of a file that begins as none of IDX, decompressed */
    size_t beginning_size;

    /* Private to idx.c. */
    FILE *file;
    int classes;
};

/* Takes over the file, open for reading in binary, and reads the header. limit: bytes that the tensor may take in
   memory. classes: 0 reads the elements as they are, int8 and int16 as int32; otherwise the file must hold labels
   from 0 to classes - 1 in one dimension, and they become int32 counted from 1. */
bool idx_open(struct idx_reader *reader, FILE *file, int classes, uint64_t limit);

/* False where the file cannot hold so many elements: to be asked before memory is taken for them. */
bool idx_expect(struct idx_reader *reader);

/* Fills the tensor_bytes(&reader->layout) bytes at data; they are unset when it fails. */
bool idx_read(struct idx_reader *reader, void *data);

/* Closes the file and ends the decompression. */
void idx_close(struct idx_reader *reader);

#endif
