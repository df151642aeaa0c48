;; Asks the host for the same thing without end.
(import "probity:check/state@0.1.0" "get" (func $get (param i32 i32 i32)))
(data (i32.const 1024) "key")
(func (export "probity:check/checker@0.1.0#run") (param $config i32) (param $config_len i32) (result i32)
  (loop $more (call $get (i32.const 1024) (i32.const 3) (i32.const 2048)) (br $more))
  unreachable)
