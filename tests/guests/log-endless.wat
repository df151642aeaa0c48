;; Logs lines of 1 MiB for ever.
(import "probity:check/log@0.1.0" "write" (func $log (param i32 i32 i32 i32 i32)))
(memory (export "memory") 20)
(func (export "probity:check/checker@0.1.0#run") (param $config i32) (param $config_len i32) (result i32)
  (memory.fill (i32.const 1024) (i32.const 97) (i32.const 1048576))
  (loop $more
    (call $log (i32.const 2) (i32.const 1024) (i32.const 1048576) (i32.const 0) (i32.const 0))
    (br $more))
  unreachable)
