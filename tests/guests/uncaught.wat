;; Logs an exception with its stack, one frame a line, and dies: what the kits of most languages do.
(import "probity:check/log@0.1.0" "write" (func $log (param i32 i32 i32 i32 i32)))
(data (i32.const 1024) "ValueError: no orders\n  at newest (check.py:12)\n  at run (check.py:7)")
(func (export "probity:check/checker@0.1.0#run") (param $config i32) (param $config_len i32) (result i32)
  (call $log (i32.const 4) (i32.const 1024) (i32.const 69) (i32.const 0) (i32.const 0))
  unreachable)
