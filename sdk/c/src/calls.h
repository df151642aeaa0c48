/**
 * @file
 * What the sources that call the host have in common: one source for each capability, so that the linker drops what a
 * check does not call, and the import with it.
 */
#ifndef PROBITY_CALLS_H
#define PROBITY_CALLS_H

#include "host.h"
#include "internal.h"

/** Frees a list of the host's, whose items were taken over. */
void probity_list_free(void *items, size_t count);

/** Takes a list of texts of the host's over. */
probity_texts probity_texts_of(guest_list_string_t list);
probity_certificates probity_certificates_of(probity_check_types_certificate_t *found, size_t count);
probity_tls_info probity_tls_info_of(const probity_check_types_tls_info_t *info);

/** An argument that may be absent: NULL and "" are. `place` holds it during the call. */
guest_string_t *probity_maybe(const char *text, guest_string_t *place);

/** NAN for none. */
double probity_number_of(guest_option_f64_t option);
probity_option probity_option_of(guest_option_u64_t option);
probity_option probity_option_of_u32(guest_option_u32_t option);

#endif
