;; A list of four billion details, of which memory holds none.
(func (export "probity:check/checker@0.1.0#run") (param $config i32) (param $config_len i32) (result i32)
  (i32.store (i32.const 216) (i32.const 1024))
  (i32.store (i32.const 220) (i32.const -1))
  (call $healthy))
