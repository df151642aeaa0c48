;; Logs 10,000 lines and is otherwise well.
(import "probity:check/log@0.1.0" "write" (func $log (param i32 i32 i32 i32 i32)))
(data (i32.const 1024) "all is well")
(func (export "probity:check/checker@0.1.0#run") (param $config i32) (param $config_len i32) (result i32)
  (local $lines i32)
  (loop $more
    (call $log (i32.const 2) (i32.const 1024) (i32.const 11) (i32.const 0) (i32.const 0))
    (local.set $lines (i32.add (local.get $lines) (i32.const 1)))
    (br_if $more (i32.lt_u (local.get $lines) (i32.const 10000))))
  (call $healthy))
