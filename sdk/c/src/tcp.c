/**
 * @file
 * Connections through the host.
 */
#include <string.h>

#include "calls.h"

struct probity_socket {
    probity_handle handle;
};

static void drop(int32_t number) { probity_check_tcp_socket_drop_own((probity_check_tcp_own_socket_t){number}); }

static probity_check_tcp_borrow_socket_t borrow(const probity_socket *socket) {
    return (probity_check_tcp_borrow_socket_t){socket->handle.number};
}

/** For one call; 0 is what is left of the run. */
static uint32_t *timeout(uint32_t *ms) { return *ms == 0 ? NULL : ms; }

probity_socket *probity_tcp_connect(const char *host, uint16_t port, uint32_t timeout_ms, probity_error *error) {
    guest_string_t to = probity_string(host);
    probity_check_tcp_own_socket_t opened;
    probity_check_types_error_t refused;
    bool ok = probity_check_tcp_static_socket_connect(&to, port, timeout(&timeout_ms), &opened, &refused);
    if (!probity_answered(ok, &refused, error)) return NULL;
    probity_socket *socket = probity_alloc(sizeof *socket);
    probity_handle_keep(&socket->handle, opened.__handle, drop);
    return socket;
}

double probity_socket_connect_ms(const probity_socket *socket) {
    return probity_check_tcp_method_socket_connect_ms(borrow(socket));
}

const char *probity_socket_remote_address(const probity_socket *socket) {
    guest_string_t address;
    probity_check_tcp_method_socket_remote_address(borrow(socket), &address);
    return probity_text(address);
}

bool probity_socket_write(probity_socket *socket, const void *data, size_t length, probity_error *error) {
    guest_list_u8_t bytes = probity_list(data, length);
    probity_check_types_error_t refused;
    return probity_answered(probity_check_tcp_method_socket_write(borrow(socket), &bytes, &refused), &refused, error);
}

bool probity_socket_read(probity_socket *socket, uint32_t max, uint32_t timeout_ms, probity_bytes *read,
                         probity_error *error) {
    guest_list_u8_t bytes;
    probity_check_types_error_t refused;
    bool ok = probity_check_tcp_method_socket_read(borrow(socket), max, timeout(&timeout_ms), &bytes, &refused);
    *read = ok ? probity_bytes_of(bytes) : (probity_bytes){0};
    return probity_answered(ok, &refused, error);
}

bool probity_socket_read_until(probity_socket *socket, const char *delimiter, uint32_t max, uint32_t timeout_ms,
                               probity_bytes *read, probity_error *error) {
    probity_bytes wanted = {(const uint8_t *)delimiter, strlen(delimiter)};
    return probity_socket_read_until_bytes(socket, wanted, max, timeout_ms, read, error);
}

bool probity_socket_read_until_bytes(probity_socket *socket, probity_bytes delimiter, uint32_t max, uint32_t timeout_ms,
                                     probity_bytes *read, probity_error *error) {
    guest_list_u8_t wanted = probity_list(delimiter.data, delimiter.length), bytes;
    probity_check_types_error_t refused;
    uint32_t *within = timeout(&timeout_ms);
    bool ok = probity_check_tcp_method_socket_read_until(borrow(socket), &wanted, max, within, &bytes, &refused);
    *read = ok ? probity_bytes_of(bytes) : (probity_bytes){0};
    return probity_answered(ok, &refused, error);
}

bool probity_socket_start_tls(probity_socket *socket, const char *server_name, const char *authority,
                              uint32_t timeout_ms, probity_tls_info *info, probity_error *error) {
    guest_string_t name, trusted;
    probity_check_types_tls_info_t found;
    probity_check_types_error_t refused;
    bool ok = probity_check_tcp_method_socket_start_tls(borrow(socket), probity_maybe(server_name, &name),
                                                        probity_maybe(authority, &trusted), timeout(&timeout_ms), &found,
                                                        &refused);
    if (!probity_answered(ok, &refused, error)) return false;
    *info = probity_tls_info_of(&found);
    return true;
}

void probity_socket_free(probity_socket *socket) {
    if (socket != NULL) probity_handle_drop(&socket->handle);
}
