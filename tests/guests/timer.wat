;; Waits 100 seconds by WASI's clock; unhealthy unless that clock then says so to the nanosecond.
(import "wasi:clocks/monotonic-clock@0.2.0" "now" (func $now (result i64)))
(import "wasi:clocks/monotonic-clock@0.2.0" "subscribe-duration" (func $timer (param i64) (result i32)))
(import "wasi:io/poll@0.2.0" "[method]pollable.block" (func $block (param i32)))
(func (export "probity:check/checker@0.1.0#run") (param $config i32) (param $config_len i32) (result i32)
  (local $began i64)
  (local.set $began (call $now))
  (call $block (call $timer (i64.const 100000000000)))
  (call $expect_zero (i64.ne (i64.sub (call $now) (local.get $began)) (i64.const 100000000000))))
