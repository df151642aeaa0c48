/**
 * @file
 * JSON, as far as reading one value of a table goes. Knows nothing of the host. The document ends in NUL.
 */
#include <stdlib.h>
#include <string.h>

#include "internal.h"

/** How deep what is skipped may nest. */
enum { DEPTH_MAX = 64 };

static bool is_blank(char letter) { return letter == ' ' || letter == '\t' || letter == '\r' || letter == '\n'; }

/** Whether a number or a word ends before it. */
static bool is_mark(char letter) {
    return letter == ',' || letter == ':' || letter == '[' || letter == ']' || letter == '{' || letter == '}' || letter == '"';
}

// Letter by letter: strspn and strcspn of this library look for the end of the whole document first, at every call.

static const char *blank(const char *at) {
    while (is_blank(*at)) at++;
    return at;
}

/** The end of the number or the word that starts at `at`. */
static const char *word_end(const char *at) {
    while (*at != '\0' && !is_mark(*at) && !is_blank(*at)) at++;
    return at;
}

/** The end of the string that starts at `at`; NULL when it has none. */
static const char *string_end(const char *at) {
    if (*at++ != '"') return NULL;
    for (; *at != '\0'; at++) {
        if (*at == '"') return at + 1;
        if (*at == '\\' && *++at == '\0') return NULL;
    }
    return NULL;
}

/** The end of the value that starts at `at`; NULL when it has none. */
static const char *value_end(const char *at) {
    int depth = 0;
    do {
        at = blank(at);
        if (*at == '{' || *at == '[') {
            if (++depth > DEPTH_MAX) return NULL;
            at++;
        } else if (*at == '}' || *at == ']') {
            depth--;
            at++;
        } else if (*at == '"') {
            at = string_end(at);
        } else if (depth > 0 && (*at == ',' || *at == ':')) {
            at++;
        } else {
            const char *end = word_end(at);
            at = end == at ? NULL : end;
        }
    } while (at != NULL && depth > 0);
    return depth < 0 ? NULL : at;
}

/** A character as UTF-8; how many bytes. */
static size_t put(char *to, uint32_t point) {
    if (point < 0x80) return to[0] = (char)point, 1;
    if (point < 0x800) return to[0] = (char)(0xc0 | point >> 6), to[1] = (char)(0x80 | (point & 0x3f)), 2;
    size_t length = point < 0x10000 ? 3 : 4;
    to[0] = (char)((length == 3 ? 0xe0 : 0xf0) | point >> (6 * (length - 1)));
    for (size_t at = 1; at < length; at++) to[at] = (char)(0x80 | (point >> (6 * (length - 1 - at)) & 0x3f));
    return length;
}

/** Four hexadecimal digits; -1 when they are not. */
static int32_t unit(const char *at) {
    char digits[5] = {0};
    for (int i = 0; i < 4; i++) {
        if (at[i] == '\0' || strchr("0123456789abcdefABCDEF", at[i]) == NULL) return -1;
        digits[i] = at[i];
    }
    return (int32_t)strtol(digits, NULL, 16);
}

/** The string that starts at `at`, escapes undone; NULL when it is malformed. */
static const char *unescape(const char *at) {
    const char *end = string_end(at);
    if (end == NULL) return NULL;
    char *text = probity_alloc((size_t)(end - at)), *to = text;
    for (at++; at < end - 1; at++) {
        if (*at != '\\') {
            *to++ = *at;
            continue;
        }
        const char *plain = "\"\"\\\\//b\bf\fn\nr\rt\t", *found = plain;
        at++;
        if (*at == 'u') {
            int32_t high = unit(at + 1), low;
            if (high < 0) return NULL;
            at += 4;
            uint32_t point = (uint32_t)high;
            bool leads = point >= 0xd800 && point < 0xdc00 && at[1] == '\\' && at[2] == 'u';
            if (leads && (low = unit(at + 3)) >= 0xdc00 && low < 0xe000) {
                point = 0x10000 + ((point - 0xd800) << 10) + ((uint32_t)low - 0xdc00);
                at += 6;
            }
            // Half of a pair is no character.
            to += put(to, point >= 0xd800 && point < 0xe000 ? 0xfffd : point);
            continue;
        }
        while (*found != '\0' && *found != *at) found += 2;
        if (*found == '\0') return NULL;
        *to++ = found[1];
    }
    return text;
}

/** Where the value of `key` starts; NULL when there is none. */
static const char *find(probity_bytes document, const char *key) {
    if (document.data == NULL) return NULL;
    const char *at = blank((const char *)document.data);
    if (*at++ != '{') return NULL;
    for (at = blank(at); *at == '"';) {
        const char *name = unescape(at);
        at = string_end(at);
        if (name == NULL || *(at = blank(at)) != ':') return NULL;
        at = blank(at + 1);
        if (strcmp(name, key) == 0) return at;
        at = value_end(at);
        if (at == NULL || *(at = blank(at)) != ',') return NULL;
        at = blank(at + 1);
    }
    return NULL;
}

bool probity_json_is_whole(probity_bytes document) {
    if (document.data == NULL) return false;
    const char *start = blank((const char *)document.data), *end = value_end(start);
    // A word is a number or one of three: a page that says "ok" is none.
    bool is_word = end != NULL && strchr("{[\"", *start) == NULL;
    bool is_value = !is_word || strchr("-0123456789", *start) != NULL || strncmp(start, "true", 4) == 0 ||
                    strncmp(start, "false", 5) == 0 || strncmp(start, "null", 4) == 0;
    return end != NULL && is_value && *blank(end) == '\0';
}

bool probity_json_number(probity_bytes document, const char *key, double *value) {
    const char *at = find(document, key);
    if (at == NULL || strchr("-0123456789", *at) == NULL || *at == '\0') return false;
    char *rest;
    *value = strtod(at, &rest);
    return rest != at && rest == value_end(at);
}

const char *probity_json_text(probity_bytes document, const char *key) {
    const char *at = find(document, key);
    return at == NULL || *at != '"' ? NULL : unescape(at);
}
