;; Fills and copies 16 MiB for ever: single instructions that take milliseconds.
(memory (export "memory") 500)
(func (export "probity:check/checker@0.1.0#run") (param $config i32) (param $config_len i32) (result i32)
  (loop $more
    (memory.fill (i32.const 0) (i32.const 97) (i32.const 16384000))
    (memory.copy (i32.const 16384000) (i32.const 0) (i32.const 16384000))
    (br $more))
  unreachable)
