/* Base64 against the vectors of RFC 4648, section 10, and decoded again by a naive reader. */
#include "../check.h"

#include "../../../src/core/base64.h"

static void expect(const char *bytes, const char *letters) {
    char got[64];
    size_t size = strlen(bytes), length = BASE64_LENGTH(size);
    base64_encode(got, (const uint8_t *)bytes, size);
    check(length == strlen(letters) && memcmp(got, letters, length) == 0, "'%s' became '%.*s'", bytes, (int)length,
          got);
}

static unsigned value_of(char letter) {
    if (letter >= 'A' && letter <= 'Z') return (unsigned)(letter - 'A');
    if (letter >= 'a' && letter <= 'z') return (unsigned)(letter - 'a') + 26;
    if (letter >= '0' && letter <= '9') return (unsigned)(letter - '0') + 52;
    return letter == '+' ? 62 : letter == '/' ? 63 : 0;
}

int main(int count, char **arguments) {
    check_start(count, arguments);
    test("the vectors of RFC 4648");
    expect("", "");
    expect("f", "Zg==");
    expect("fo", "Zm8=");
    expect("foo", "Zm9v");
    expect("foob", "Zm9vYg==");
    expect("fooba", "Zm9vYmE=");
    expect("foobar", "Zm9vYmFy");

    test("any bytes come back");
    for (int round = 0; round < 500; round++) {
        uint8_t bytes[90], back[92] = {0};
        char letters[BASE64_LENGTH(sizeof bytes)];
        size_t size = random_below(sizeof bytes + 1), length = BASE64_LENGTH(size);
        for (size_t i = 0; i < size; i++) bytes[i] = (uint8_t)random_bits();
        base64_encode(letters, bytes, size);
        for (size_t i = 0; i < length; i += 4) {
            unsigned bits = value_of(letters[i]) << 18 | value_of(letters[i + 1]) << 12 |
                            value_of(letters[i + 2]) << 6 | value_of(letters[i + 3]);
            for (size_t k = 0; k < 3 && i / 4 * 3 + k < sizeof back; k++)
                back[i / 4 * 3 + k] = (uint8_t)(bits >> (16 - 8 * k));
        }
        check(memcmp(bytes, back, size) == 0, "round %d: %zu bytes", round, size);
    }
    return check_end();
}
