/**
 * @file
 * Name resolution through the host.
 */
#include "calls.h"

bool probity_dns_resolve(const char *name, const char *record_type, const char *server, probity_dns_answers *answers,
                         probity_error *error) {
    guest_string_t wanted = probity_string(name), type = probity_string(record_type), resolver;
    probity_check_dns_list_answer_t found;
    probity_check_types_error_t refused;
    *answers = (probity_dns_answers){0};
    bool ok = probity_check_dns_resolve(&wanted, &type, probity_maybe(server, &resolver), &found, &refused);
    if (!probity_answered(ok, &refused, error)) return false;
    probity_dns_answer *items = probity_alloc(found.len * sizeof *items);
    for (size_t at = 0; at < found.len; at++)
        items[at] = (probity_dns_answer){probity_text(found.ptr[at].data), found.ptr[at].ttl};
    probity_list_free(found.ptr, found.len);
    *answers = (probity_dns_answers){items, found.len};
    return true;
}
