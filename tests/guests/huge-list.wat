;; A million details without text: small in the guest, large in a host that keeps them.
(memory (export "memory") 300)
(func (export "probity:check/checker@0.1.0#run") (param $config i32) (param $config_len i32) (result i32)
  (i32.store (i32.const 216) (i32.const 65536))
  (i32.store (i32.const 220) (i32.const 1000000))
  (call $healthy))
