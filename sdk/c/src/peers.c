/**
 * @file
 * Latest results of other checks.
 */
#include "calls.h"

static probity_peer peer_of(const char *name, const probity_check_peers_snapshot_t *found) {
    return (probity_peer){
        .name = name,
        .concluded = found->status.is_some,
        .status = found->status.is_some ? (probity_status)found->status.val : PROBITY_HEALTHY,
        .message = probity_text(found->message),
        .at_unix_ms = found->at_unix_ms,
        .stale = found->stale,
    };
}

bool probity_peers_latest(const char *name, probity_peer *peer, probity_error *error) {
    guest_string_t wanted = probity_string(name);
    probity_check_peers_snapshot_t found;
    probity_check_types_error_t refused;
    if (!probity_answered(probity_check_peers_latest(&wanted, &found, &refused), &refused, error)) return false;
    *peer = peer_of(probity_keep(name, wanted.len), &found);
    return true;
}

bool probity_peers_by_tag(const char *tag, probity_peers *peers, probity_error *error) {
    guest_string_t wanted = probity_string(tag);
    probity_check_peers_list_tuple2_string_snapshot_t found;
    probity_check_types_error_t refused;
    *peers = (probity_peers){0};
    if (!probity_answered(probity_check_peers_by_tag(&wanted, &found, &refused), &refused, error)) return false;
    probity_peer *items = probity_alloc(found.len * sizeof *items);
    for (size_t at = 0; at < found.len; at++) items[at] = peer_of(probity_text(found.ptr[at].f0), &found.ptr[at].f1);
    probity_list_free(found.ptr, found.len);
    *peers = (probity_peers){items, found.len};
    return true;
}
