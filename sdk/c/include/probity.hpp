/**
 * @file
 * Author kit for Probity checks in C++ (17 or later, no exceptions needed): `probity.h` with values and destructors.
 *
 *     #include <probity.hpp>
 *
 *     PROBITY_CHECK({.name = "orders-backlog", .description = "Is every order being paid?"}) {
 *         auto response = probity::http::get(probity::config::text("/url"));
 *         if (!response) return response.error().answer();
 *         return probity::healthy("the shop answers")
 *             .judge("latency", response->total_ms(), "ms", probity::config::at_most("/latency", PROBITY_SPAN));
 *     }
 *
 * Each capability is a namespace, in the files that the contract has them in. Records are those of `probity.h`: lists of
 * them are ranges, a whole number that is not always known is true when it is, NAN stands for another number that is
 * not there. Texts and records stay until the run ends.
 */
#ifndef PROBITY_HPP
#define PROBITY_HPP

#include "probity.h"
#include "probity/backends.hpp"
#include "probity/check.hpp"
#include "probity/net.hpp"
#include "probity/system.hpp"

#endif
