/**
 * @file
 * Redis or Valkey through a connection that the host's configuration declares. The grant lists connections; only
 * commands that read are allowed unless it lists others.
 *
 *     probity_redis *cache = probity_redis_open("cache", &error);
 *     if (cache == NULL) return probity_failure(&error);
 *     const probity_reply *reply = probity_redis_command(cache, "LLEN", (const char *[]){"mails"}, 1, &error);
 *     if (reply == NULL) return probity_failure(&error);
 *     int64_t waiting;
 *     if (!probity_reply_integer(reply, &waiting)) return probity_failure_other("LLEN gave no number");
 */
#ifndef PROBITY_REDIS_H
#define PROBITY_REDIS_H

#include "check.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A connection. */
typedef struct probity_redis probity_redis;

typedef enum {
    PROBITY_REPLY_NIL,
    PROBITY_REPLY_INTEGER,
    PROBITY_REPLY_NUMBER,
    PROBITY_REPLY_BOOLEAN,
    PROBITY_REPLY_SIMPLE, /**< A word of the protocol: "OK". */
    PROBITY_REPLY_BULK,   /**< Bytes, most often text. */
    PROBITY_REPLY_ERROR,  /**< Inside a container; in place of the reply it is an error of the command. */
    PROBITY_REPLY_ARRAY,
    PROBITY_REPLY_MAP, /**< Its items are keys and values by turns. */
} probity_reply_kind;

/** What a server answered. */
typedef struct probity_reply {
    probity_reply_kind kind;
    union {
        int64_t integer;
        double number;
        bool boolean;
        probity_bytes bytes; /**< Of a word, bytes and an error. */
        struct {
            const struct probity_reply *items;
            size_t count;
        } list; /**< Of an array and a map. */
    } as;
} probity_reply;

/** Takes a connection. NULL, and `error` set, when there is none. */
probity_redis *probity_redis_open(const char *name, probity_error *error);
/** The time of one PING, in milliseconds. */
bool probity_redis_ping(probity_redis *connection, double *ms, probity_error *error);
/** Sends a command. NULL, and `error` set, when there is no reply, or it is an error: its prefix is the code. */
const probity_reply *probity_redis_command(probity_redis *connection, const char *name, const char *const *args,
                                           size_t count, probity_error *error);
/** The same with arguments that are no texts. */
const probity_reply *probity_redis_command_bytes(probity_redis *connection, const char *name, const probity_bytes *args,
                                                 size_t count, probity_error *error);
/** Gives the connection back before the run ends. */
void probity_redis_free(probity_redis *connection);

/** The text of a word or of bytes; NULL of anything else. */
const char *probity_reply_text(const probity_reply *reply);
/** A whole number, also one that came as text. False when it is none. */
bool probity_reply_integer(const probity_reply *reply, int64_t *value);
/** The value of `key` in a map, also of one that came as an array in which keys and values take turns; NULL when there
 * is none. */
const probity_reply *probity_reply_get(const probity_reply *reply, const char *key);

#ifdef __cplusplus
}
#endif

#endif
