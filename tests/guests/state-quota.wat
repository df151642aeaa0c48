;; Makes 150 calls and looks at the last answer: 0 = an answer, 1 = an error, whose kind follows at offset 4.
(import "probity:check/state@0.1.0" "get" (func $get (param i32 i32 i32)))
(data (i32.const 1024) "key")
(func (export "probity:check/checker@0.1.0#run") (param $config i32) (param $config_len i32) (result i32)
  (local $calls i32)
  (loop $more
    (call $get (i32.const 1024) (i32.const 3) (i32.const 2048))
    (local.set $calls (i32.add (local.get $calls) (i32.const 1)))
    (br_if $more (i32.lt_u (local.get $calls) (i32.const 150))))
  ;; Kind 12 is `quota`.
  (call $expect_zero (i32.sub
    (i32.add (i32.shl (i32.load8_u (i32.const 2048)) (i32.const 8)) (i32.load8_u (i32.const 2052)))
    (i32.const 268))))
