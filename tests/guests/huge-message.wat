;; A message of 16 MiB: more than one call may carry.
(memory (export "memory") 300)
(func (export "probity:check/checker@0.1.0#run") (param $config i32) (param $config_len i32) (result i32)
  (memory.fill (i32.const 1024) (i32.const 97) (i32.const 16777216))
  (call $say (i32.const 0) (i32.const 1024) (i32.const 16777216)))
