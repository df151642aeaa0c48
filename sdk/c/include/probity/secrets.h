/**
 * @file
 * Secrets that stay in the host. The grant lists them; NAME:reveal hands one out.
 */
#ifndef PROBITY_SECRETS_H
#define PROBITY_SECRETS_H

#include "check.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { PROBITY_HMAC_SHA256_LENGTH = 32 };

/** HMAC-SHA256 of `data` with a secret. */
bool probity_secrets_hmac_sha256(const char *name, const void *data, size_t length,
                                 uint8_t digest[PROBITY_HMAC_SHA256_LENGTH], probity_error *error);
/** Whether `candidate` is the secret, compared in constant time. */
bool probity_secrets_matches(const char *name, const void *candidate, size_t length, bool *same, probity_error *error);
/** The value itself; NULL without NAME:reveal. The host takes it out again of whatever the check says. */
const char *probity_secrets_reveal(const char *name, probity_error *error);

#ifdef __cplusplus
}
#endif

#endif
