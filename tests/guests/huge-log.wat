;; One log line of 16 MiB.
(import "probity:check/log@0.1.0" "write" (func $log (param i32 i32 i32 i32 i32)))
(memory (export "memory") 300)
(func (export "probity:check/checker@0.1.0#run") (param $config i32) (param $config_len i32) (result i32)
  (memory.fill (i32.const 1024) (i32.const 97) (i32.const 16777216))
  (call $log (i32.const 2) (i32.const 1024) (i32.const 16777216) (i32.const 0) (i32.const 0))
  (call $healthy))
