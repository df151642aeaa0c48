;; Says more about itself than a host wants to hear: 8 MiB of description.
(memory (export "memory") 160)
(func (export "probity:check/checker@0.1.0#describe") (result i32)
  (i32.store (i32.const 80) (i32.const 1024))
  (i32.store (i32.const 84) (i32.const 8388608))
  (i32.const 64))
