/**
 * @file
 * Redis behind the host.
 */
#include <string.h>

#include "calls.h"

/** How deep replies nest; the host cuts off far earlier. */
enum { DEPTH_MAX = 64 };

struct probity_redis {
    probity_handle handle;
};

static void drop(int32_t number) { probity_check_redis_connection_drop_own((probity_check_redis_own_connection_t){number}); }

static probity_check_redis_borrow_connection_t borrow(const probity_redis *connection) {
    return (probity_check_redis_borrow_connection_t){connection->handle.number};
}

probity_redis *probity_redis_open(const char *name, probity_error *error) {
    guest_string_t wanted = probity_string(name);
    probity_check_redis_own_connection_t opened;
    probity_check_types_error_t refused;
    bool ok = probity_check_redis_static_connection_open(&wanted, &opened, &refused);
    if (!probity_answered(ok, &refused, error)) return NULL;
    probity_redis *connection = probity_alloc(sizeof *connection);
    probity_handle_keep(&connection->handle, opened.__handle, drop);
    return connection;
}

bool probity_redis_ping(probity_redis *connection, double *ms, probity_error *error) {
    probity_check_types_error_t refused;
    return probity_answered(probity_check_redis_method_connection_ping(borrow(connection), ms, &refused), &refused, error);
}

void probity_redis_free(probity_redis *connection) {
    if (connection != NULL) probity_handle_drop(&connection->handle);
}

/** The parts of a reply, in order; containers announce how many follow. */
typedef struct {
    const probity_check_redis_token_t *at;
    const probity_check_redis_token_t *end;
} tokens;

static bool build(tokens *rest, probity_reply *reply, int depth);

static bool build_list(tokens *rest, probity_reply *reply, size_t count, int depth) {
    // Each item is a token at least.
    if (count > (size_t)(rest->end - rest->at)) return false;
    probity_reply *items = probity_alloc(count * sizeof *items);
    reply->as.list.items = items;
    reply->as.list.count = count;
    for (size_t at = 0; at < count; at++)
        if (!build(rest, &items[at], depth + 1)) return false;
    return true;
}

/** Takes the next reply of the tokens. False when they end early. */
static bool build(tokens *rest, probity_reply *reply, int depth) {
    if (rest->at == rest->end || depth > DEPTH_MAX) return false;
    const probity_check_redis_token_t *token = rest->at++;
    // The kinds have the order of the contract.
    *reply = (probity_reply){.kind = (probity_reply_kind)token->tag};
    switch (reply->kind) {
    case PROBITY_REPLY_NIL:
        return true;
    case PROBITY_REPLY_INTEGER:
        reply->as.integer = token->val.integer;
        return true;
    case PROBITY_REPLY_NUMBER:
        reply->as.number = token->val.double_;
        return true;
    case PROBITY_REPLY_BOOLEAN:
        reply->as.boolean = token->val.boolean;
        return true;
    case PROBITY_REPLY_SIMPLE:
    case PROBITY_REPLY_BULK:
    case PROBITY_REPLY_ERROR:
        reply->as.bytes = probity_bytes_of(token->val.bulk);
        return true;
    case PROBITY_REPLY_ARRAY:
        return build_list(rest, reply, token->val.array, depth);
    case PROBITY_REPLY_MAP:
        return build_list(rest, reply, 2 * (size_t)token->val.map, depth);
    }
    return false;
}

const probity_reply *probity_redis_command_bytes(probity_redis *connection, const char *name, const probity_bytes *args,
                                                 size_t count, probity_error *error) {
    guest_string_t command = probity_string(name);
    guest_list_list_u8_t list = {.ptr = probity_alloc(count * sizeof *list.ptr), .len = count};
    for (size_t at = 0; at < count; at++) list.ptr[at] = probity_list(args[at].data, args[at].length);
    probity_check_redis_list_token_t found;
    probity_check_types_error_t refused;
    bool ok = probity_check_redis_method_connection_command(borrow(connection), &command, &list, &found, &refused);
    if (!probity_answered(ok, &refused, error)) return NULL;
    tokens rest = {found.ptr, found.ptr + found.len};
    probity_reply *reply = probity_alloc(sizeof *reply);
    bool whole = build(&rest, reply, 0);
    probity_list_free(found.ptr, found.len);
    if (whole) return reply;
    probity_refuse(error, PROBITY_PROTOCOL, "%s: the reply ends early", name);
    return NULL;
}

const probity_reply *probity_redis_command(probity_redis *connection, const char *name, const char *const *args,
                                           size_t count, probity_error *error) {
    probity_bytes *bytes = probity_alloc(count * sizeof *bytes);
    for (size_t at = 0; at < count; at++) bytes[at] = (probity_bytes){(const uint8_t *)args[at], strlen(args[at])};
    return probity_redis_command_bytes(connection, name, bytes, count, error);
}
