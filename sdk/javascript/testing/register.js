/**
 * Lets a check run in Node: what it imports of the host leads to the fakes of `probity-check/testing`.
 *
 *     node --import probity-check/testing/register --test
 * @module
 */

import { register } from "node:module";

register("./hooks.js", import.meta.url);
