;; Sleeps for a millisecond, for ever.
(import "probity:check/clock@0.1.0" "sleep-ms" (func $sleep (param i32)))
(func (export "probity:check/checker@0.1.0#run") (param $config i32) (param $config_len i32) (result i32)
  (loop $more (call $sleep (i32.const 1)) (br $more))
  unreachable)
