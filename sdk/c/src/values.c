/**
 * @file
 * Values of the host that several capabilities have.
 */
#include <math.h>
#include <stdlib.h>

#include "calls.h"

void probity_list_free(void *items, size_t count) {
    if (count > 0) free(items);
}

probity_texts probity_texts_of(guest_list_string_t list) {
    const char **items = probity_alloc(list.len * sizeof *items);
    for (size_t at = 0; at < list.len; at++) items[at] = probity_text(list.ptr[at]);
    probity_list_free(list.ptr, list.len);
    return (probity_texts){items, list.len};
}

static probity_certificate certificate_of(const probity_check_types_certificate_t *found) {
    return (probity_certificate){
        .subject = probity_text(found->subject),
        .issuer = probity_text(found->issuer),
        .serial = probity_text(found->serial),
        .not_before_unix = found->not_before_unix,
        .not_after_unix = found->not_after_unix,
        .dns_names = probity_texts_of(found->dns_names),
        .sha256 = probity_text(found->sha256),
    };
}

probity_certificates probity_certificates_of(probity_check_types_certificate_t *found, size_t count) {
    probity_certificate *items = probity_alloc(count * sizeof *items);
    for (size_t at = 0; at < count; at++) items[at] = certificate_of(&found[at]);
    probity_list_free(found, count);
    return (probity_certificates){items, count};
}

probity_tls_info probity_tls_info_of(const probity_check_types_tls_info_t *info) {
    return (probity_tls_info){
        .protocol = probity_text(info->protocol),
        .cipher = probity_text(info->cipher),
        .alpn = info->alpn.is_some ? probity_text(info->alpn.val) : NULL,
        .handshake_ms = info->handshake_ms,
        .chain = probity_certificates_of(info->chain.ptr, info->chain.len),
        .distrust = info->verified.is_err ? probity_text(info->verified.val.err) : NULL,
    };
}

guest_string_t *probity_maybe(const char *text, guest_string_t *place) {
    if (text == NULL || *text == '\0') return NULL;
    *place = probity_string(text);
    return place;
}

double probity_number_of(guest_option_f64_t option) { return option.is_some ? option.val : NAN; }

probity_option probity_option_of(guest_option_u64_t option) {
    return (probity_option){option.is_some, option.is_some ? option.val : 0};
}

probity_option probity_option_of_u32(guest_option_u32_t option) {
    return (probity_option){option.is_some, option.is_some ? option.val : 0};
}
