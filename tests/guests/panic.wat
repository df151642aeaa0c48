;; Says why, then dies: what a language's panic handler does.
(import "probity:check/log@0.1.0" "write" (func $log (param i32 i32 i32 i32 i32)))
(data (i32.const 1024) "index 7 of 3")
(func (export "probity:check/checker@0.1.0#run") (param $config i32) (param $config_len i32) (result i32)
  (call $log (i32.const 4) (i32.const 1024) (i32.const 12) (i32.const 0) (i32.const 0))
  unreachable)
