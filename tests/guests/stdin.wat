;; Unhealthy when standard input has anything for it. 1 = err, whose case 1 is `closed`.
(import "wasi:cli/stdin@0.2.0" "get-stdin" (func $get (result i32)))
(import "wasi:io/streams@0.2.0" "[method]input-stream.blocking-read" (func $read (param i32 i64 i32)))
(func (export "probity:check/checker@0.1.0#run") (param $config i32) (param $config_len i32) (result i32)
  (call $read (call $get) (i64.const 64) (i32.const 2048))
  (call $expect_zero (i32.sub
    (i32.add (i32.shl (i32.load8_u (i32.const 2048)) (i32.const 8)) (i32.load8_u (i32.const 2052)))
    (i32.const 257))))
