/**
 * @file
 * Author kit for Probity checks in C, and the ground that `probity.hpp` (C++) and `probity.zig` stand on.
 *
 * A check defines `probity_check` and `probity_run`:
 *
 *     #include <probity.h>
 *
 *     const probity_metadata probity_check = {.name = "orders-backlog", .description = "Is every order being paid?"};
 *
 *     probity_outcome *probity_run(void) {
 *         probity_error error;
 *         probity_response *response = probity_http_get(probity_config_text("/url"), &error);
 *         if (response == NULL) {
 *             if (probity_is_about_the_target(error.kind))
 *                 return probity_unhealthy("no answer: %s", probity_kind_name(error.kind));
 *             return probity_failure(&error);
 *         }
 *         probity_outcome *outcome = probity_healthy("the shop answers");
 *         double ms = probity_response_total_ms(response);
 *         return probity_judge(outcome, "latency", ms, "ms", probity_config_at_most("/latency", PROBITY_SPAN));
 *     }
 *
 * Capabilities: one header for each, all of which this one includes. What can fail returns false, or NULL where it
 * returns a handle, and says why in its last argument, which may be NULL. A component imports the capabilities that it
 * calls and no other, so what it uses is what an operator must grant.
 *
 * Memory: what these functions return is in an arena that is emptied before the next run, if the instance serves one at
 * all. Nothing has to be freed. Handles (responses, connections, transactions, sockets) go back to the host when the run
 * ends; a check that has many at once gives them back itself, since the host counts them. Texts that are passed to an
 * outcome must stay until the run ends.
 *
 * Bad news has three shapes: an unhealthy outcome is a judgement about the system; a failure says that no judgement was
 * possible (the host reports `unknown`); probity_panic ends the run as a trap, with its message in the log.
 */
#ifndef PROBITY_H
#define PROBITY_H

#include "probity/check.h"
#include "probity/dns.h"
#include "probity/heartbeats.h"
#include "probity/http.h"
#include "probity/peers.h"
#include "probity/queue.h"
#include "probity/redis.h"
#include "probity/secrets.h"
#include "probity/sql.h"
#include "probity/system.h"
#include "probity/tcp.h"
#include "probity/tls.h"
#include "probity/udp.h"

#endif
