/**
 * @file
 * Name resolution as a subject of checks. The grant lists names and `resolver:NAME`.
 */
#ifndef PROBITY_DNS_H
#define PROBITY_DNS_H

#include "check.h"

#ifdef __cplusplus
extern "C" {
#endif

/** One record. */
typedef struct probity_dns_answer {
    const char *data; /**< As a zone file writes it: "93.184.216.34", "10 mail.example.org." */
    uint32_t ttl;     /**< Seconds it may be kept. */
} probity_dns_answer;

PROBITY_LIST(probity_dns_answers, probity_dns_answer);

/**
 * The records of `name` of a type: "A", "AAAA", "CNAME", "MX", "NS", "TXT", "SRV", "CAA", "SOA", "PTR". `server` is a
 * resolver of the host's configuration; NULL is the host's own. No records of the type are an empty list; a name that
 * does not exist is PROBITY_DNS with the code "NXDOMAIN".
 */
bool probity_dns_resolve(const char *name, const char *record_type, const char *server, probity_dns_answers *answers,
                         probity_error *error);

#ifdef __cplusplus
}
#endif

#endif
