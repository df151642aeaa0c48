;; Leaves with success instead of answering.
(import "wasi:cli/exit@0.2.0" "exit" (func $exit (param i32)))
(func (export "probity:check/checker@0.1.0#run") (param $config i32) (param $config_len i32) (result i32)
  (call $exit (i32.const 0))
  unreachable)
