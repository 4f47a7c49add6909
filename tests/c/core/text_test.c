/* Texts as a terminal may see them. */
#include "../check.h"

#include "../../../src/core/text.h"

static void expect(const char *text, size_t size, const char *visible, bool lines) {
    char got[200];
    size_t counted = text_visible(NULL, text, size, lines), length = text_visible(got, text, size, lines);
    check(counted == length && length <= TEXT_VISIBLE_MOST * size, "%zu counted, %zu written", counted, length);
    check(length == strlen(visible) && memcmp(got, visible, length) == 0, "expected '%s', got '%.*s'", visible,
          (int)length, got);
    check(text_visible(NULL, got, length, lines) == length, "'%s' is not visible itself", visible);
}

#define EXPECT(text, visible) expect(text, sizeof text - 1, visible, false)

static void test_visible(void) {
    test("what is visible stays");
    EXPECT("", "");
    EXPECT("plain, 'quoted' \\ ~", "plain, 'quoted' \\ ~");
    EXPECT("Gr\xC3\xBC\xC3\x9F \xE2\x82\xAC \xF0\x9F\x98\x80", "Gr\xC3\xBC\xC3\x9F \xE2\x82\xAC \xF0\x9F\x98\x80");
    test("controls, marks of direction and separators are written out");
    EXPECT("a\033[31mb\a\177", "a\\x1B[31mb\\a\\x7F");
    EXPECT("\0\n\r\t", "\\x00\\n\\r\\t");
    EXPECT("\xC2\x9B"
           "31m",
           "\\u{9B}31m");
    EXPECT("\xE2\x80\xAEgpj\xE2\x80\xAC \xE2\x81\xA6 \xD8\x9C \xE2\x80\xA8",
           "\\u{202E}gpj\\u{202C} \\u{2066} \\u{61C} \\u{2028}");
    test("bytes that are no UTF-8 are written out");
    EXPECT("\xFF\xC3", "\\xFF\\xC3");
    EXPECT("\xC0\x80 \xED\xA0\x80 \xF4\x90\x80\x80", "\\xC0\\x80 \\xED\\xA0\\x80 \\xF4\\x90\\x80\\x80");
    EXPECT("\xE2\x80", "\\xE2\\x80");
    test("lines may stay");
    expect("a\n\tb\r", 5, "a\n\tb\\r", true);
}

static void test_any_bytes(void) {
    test("any bytes become a visible text");
    for (int round = 0; round < 2000; round++) {
        char text[40], once[160];
        size_t size = random_below(sizeof text);
        for (size_t i = 0; i < size; i++)
            text[i] = (char)(i % 2 ? random_bits() : 0xE280AEC2u >> random_below(4) * 8);
        size_t length = text_visible(once, text, size, false);
        check(length <= TEXT_VISIBLE_MOST * size, "%zu bytes became %zu", size, length);
        check(text_visible(NULL, once, length, false) == length, "round %d", round);
    }
}

int main(int count, char **arguments) {
    check_start(count, arguments);
    test_visible();
    test_any_bytes();
    return check_end();
}
