;; Two memories, each within the limit, together over it.
(memory (export "memory") 320)
(memory $second 1)
(func (export "probity:check/checker@0.1.0#run") (param $config i32) (param $config_len i32) (result i32)
  (if (i32.eq (memory.grow $second (i32.const 320)) (i32.const -1)) (then unreachable))
  (call $healthy))
