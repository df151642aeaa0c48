/**
 * @file
 * What lasts as long as a run: memory, the texts in it, and handles. Knows nothing of the host.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

/** What goes before memory of this run. */
typedef union block {
    union block *next;
    max_align_t align;
} block;

static block *blocks;

void *probity_alloc(size_t size) {
    block *made = calloc(1, sizeof *made + size);
    // A trap after a refused allocation is told as the limit on memory.
    if (made == NULL) __builtin_trap();
    made->next = blocks;
    blocks = made;
    return made + 1;
}

void probity_free_all(void) {
    while (blocks != NULL) {
        block *next = blocks->next;
        free(blocks);
        blocks = next;
    }
}

const char *probity_keep(const char *text, size_t length) {
    char *copy = probity_alloc(length + 1);
    if (length > 0) memcpy(copy, text, length);
    return copy;
}

const char *probity_vformat(const char *format, va_list args) {
    va_list again;
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    char *text = probity_alloc((size_t)(length < 0 ? 0 : length) + 1);
    if (length >= 0) vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    return text;
}

const char *probity_format(const char *format, ...) {
    va_list args;
    va_start(args, format);
    const char *text = probity_vformat(format, args);
    va_end(args);
    return text;
}

/* ---- Handles ---- */

/** The one that was opened last. */
static probity_handle *handles;

void probity_handle_keep(probity_handle *handle, int32_t number, void (*drop)(int32_t number)) {
    *handle = (probity_handle){.next = handles, .number = number, .drop = drop};
    handles = handle;
}

void probity_handle_drop(probity_handle *handle) {
    if (handle == NULL || handle->number == 0) return;
    handle->drop(handle->number);
    handle->number = 0;
}

void probity_handle_drop_all(void) {
    for (; handles != NULL; handles = handles->next) probity_handle_drop(handles);
}
