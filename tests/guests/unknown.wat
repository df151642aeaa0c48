;; Wants a teapot.
(import "acme:unknown/teapot@1.2.3" "brew" (func $brew (param i32) (result i32)))
(func (export "probity:check/checker@0.1.0#run") (param $config i32) (param $config_len i32) (result i32)
  (call $expect_zero (call $brew (i32.const 0))))
