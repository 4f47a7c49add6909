/* The CSV reader: the records must be those of a second, simpler opinion that goes from character to character,
   plain, compressed, and behind a long record that makes the reader's buffer end within the file; each refusal must
   give a reason. */
#include "../../src/core/csv.h"
#include "fuzz.h"

enum { BUFFER = 1 << 18, LONGEST = BUFFER + FUZZ_MOST };

/* Records as text: a byte 1 behind each field, a byte 2 behind each record. Both are valid in a file too; that two
   readings agree by chance is no matter. */
struct text {
    size_t size;
    char at[3 * LONGEST];
};

static void add(struct text *text, char byte) { text->at[text->size++] = byte; }

static void *resize(void *context, void *block, size_t old_size, size_t size) {
    (void)context, (void)old_size;
    if (size > 0) return realloc(block, size);
    free(block);
    return NULL;
}

/* False for a fault. */
static bool read_records(const unsigned char *at, size_t size, char separator, struct text *records) {
    FILE *file = fmemopen((void *)(uintptr_t)at, size, "r");
    static struct csv_reader reader;
    memset(&reader, 0, sizeof reader);
    reader.resize = resize;
    enum csv_state outcome = CSV_FAULT;
    records->size = 0;
    if (file && csv_open(&reader, file)) {
        csv_separate(&reader, separator);
        while ((outcome = csv_next(&reader)) == CSV_RECORD) {
            for (size_t i = 0; i < reader.count; i++) {
                for (size_t k = 0; k < reader.fields[i].length; k++) add(records, reader.fields[i].at[k]);
                add(records, 1);
            }
            add(records, 2);
        }
    }
    require((outcome == CSV_END || reader.message[0] != '\0') && reader.code == 0, "a refusal without its reason");
    csv_close(&reader);
    return outcome == CSV_END;
}

/* Unicode 15, table 3-7, and no zero byte. */
static bool is_utf8(const unsigned char *at, size_t size) {
    static const unsigned char rows[][4] = {
        {0xC2, 0xDF, 0x80, 0xBF}, {0xE0, 0xE0, 0xA0, 0xBF}, {0xE1, 0xEC, 0x80, 0xBF}, {0xED, 0xED, 0x80, 0x9F},
        {0xEE, 0xEF, 0x80, 0xBF}, {0xF0, 0xF0, 0x90, 0xBF}, {0xF1, 0xF3, 0x80, 0xBF}, {0xF4, 0xF4, 0x80, 0x8F}};
    for (size_t i = 0; i < size; i++) {
        if (at[i] == 0) return false;
        if (at[i] < 0x80) continue;
        size_t row = 0, more = at[i] < 0xE0 ? 1 : at[i] < 0xF0 ? 2 : 3;
        while (row < 8 && (at[i] < rows[row][0] || at[i] > rows[row][1])) row++;
        if (row == 8 || more >= size - i || at[i + 1] < rows[row][2] || at[i + 1] > rows[row][3]) return false;
        for (i++; more > 1; more--)
            if ((at[++i] & 0xC0) != 0x80) return false;
    }
    return true;
}

/* The second opinion. */
struct opinion {
    struct text *records;
    size_t record, field; /* where they begin in the text */
    size_t fields, width; /* of this record, of the first */
    bool quoted, blanks;
};

static void end_field(struct opinion *opinion) {
    struct text *text = opinion->records;
    while (!opinion->quoted && text->size > opinion->field &&
           (text->at[text->size - 1] == ' ' || text->at[text->size - 1] == '\t'))
        text->size--;
    add(text, 1);
    opinion->field = text->size;
    opinion->fields++;
}

static void end_record(struct opinion *opinion) {
    struct text *text = opinion->records;
    bool empty = text->size - opinion->record == 1 && opinion->width != 1;
    if (opinion->fields == 0 || empty)
        text->size = opinion->record;
    else
        add(text, 2);
    if (text->size > opinion->record && opinion->width == 0) opinion->width = opinion->fields;
    opinion->record = opinion->field = text->size;
    opinion->fields = 0;
}

static bool simple_records(const unsigned char *at, size_t size, char separator, struct text *records) {
    enum { START, PLAIN, QUOTED, CLOSED, BEHIND } place = START;
    struct opinion opinion = {.records = records, .blanks = separator == ' '};
    records->size = 0;
    if (!is_utf8(at, size)) return false;
    if (size >= 3 && memcmp(at, "\xEF\xBB\xBF", 3) == 0) at += 3, size -= 3;
    for (size_t i = 0; i < size; i++) {
        char c = (char)at[i];
        bool parts = c == separator || (opinion.blanks && c == '\t'), ends = c == '\n' || c == '\r';
        if (place == QUOTED) {
            if (c == '"')
                place = CLOSED;
            else
                add(records, c);
            continue;
        }
        if (place == CLOSED && c == '"') {
            add(records, c);
            place = QUOTED;
            continue;
        }
        if (parts || ends) {
            if (!opinion.blanks || place != START) end_field(&opinion);
            if (ends) end_record(&opinion);
            if (c == '\r' && i + 1 < size && at[i + 1] == '\n') i++;
            place = START;
        } else if (c == ' ' || c == '\t') {
            if (place == PLAIN) add(records, c);
            if (place == CLOSED) place = BEHIND;
        } else if (c == '"') {
            if (place != START) return false;
            place = QUOTED;
        } else {
            if (place == CLOSED || place == BEHIND) return false;
            place = PLAIN;
            add(records, c);
        }
        opinion.quoted = place == QUOTED || place == CLOSED || place == BEHIND;
    }
    if (place == QUOTED) return false;
    bool open = size > 0 && (place != START || (at[size - 1] != '\n' && at[size - 1] != '\r'));
    if (open && (!opinion.blanks || place != START)) end_field(&opinion);
    if (open) end_record(&opinion);
    return true;
}

static struct text expected, found;

static void check(const unsigned char *at, size_t size, char separator, bool good) {
    require(read_records(at, size, separator, &found) == good, "the reader and the second opinion differ");
    require(!good || (found.size == expected.size && memcmp(found.at, expected.at, found.size) == 0),
            "other records than the second opinion");
}

/* The file behind a record so long that the reader's buffer ends within the file, before the byte `ahead`. */
static void check_behind(const uint8_t *data, size_t size, size_t ahead, char separator) {
    static unsigned char whole[LONGEST];
    size_t length = BUFFER - 1 - ahead; /* the last byte of the buffer is the reader's */
    memset(whole, 'x', length);
    whole[length - 1] = '\n';
    memcpy(whole + length, data, size);
    check(whole, length + size, separator, simple_records(whole, length + size, separator, &expected));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static uint8_t member[2 * FUZZ_MOST];
    if (size == 0 || size > FUZZ_MOST || is_gzip(data, size)) return 0;
    char separator = ", \t"[size % 3];
    bool good = simple_records(data, size, separator, &expected);
    check(data, size, separator, good);
    uint32_t sum = (uint32_t)crc32(0, data, (uInt)size);
    if (sum % 2 == 0) check(member, compress_member(data, size, member), separator, good);
    if (sum % 32 != 1) return 0; /* that takes its time */
    size_t ahead = sum / 64 % (size + 1);
    if (sum % 64 == 1) /* where a line feed may follow */
        while (ahead > 0 && ahead < size && data[ahead - 1] != '\r') ahead++;
    check_behind(data, size, ahead, separator);
    return 0;
}
