;; Neither ok nor err.
(func (export "probity:check/checker@0.1.0#run") (param $config i32) (param $config_len i32) (result i32)
  (i32.store8 (i32.const 192) (i32.const 7))
  (call $healthy))
