;; Fills its state 16 KiB at a time under ever new keys; says healthy when it was refused in the end.
(import "probity:check/state@0.1.0" "set" (func $set (param i32 i32 i32 i32 i32 i64 i32)))
(memory (export "memory") 2)
(func (export "probity:check/checker@0.1.0#run") (param $config i32) (param $config_len i32) (result i32)
  (local $calls i32)
  (loop $more
    (i32.store8 (i32.const 1024) (i32.add (i32.const 65) (local.get $calls)))
    (call $set (i32.const 1024) (i32.const 1) (i32.const 65536) (i32.const 16384) (i32.const 0) (i64.const 0) (i32.const 2048))
    (local.set $calls (i32.add (local.get $calls) (i32.const 1)))
    (br_if $more (i32.lt_u (local.get $calls) (i32.const 20))))
  ;; 1 = an error, kind 12 is `quota`.
  (call $expect_zero (i32.sub
    (i32.add (i32.shl (i32.load8_u (i32.const 2048)) (i32.const 8)) (i32.load8_u (i32.const 2052)))
    (i32.const 268))))
