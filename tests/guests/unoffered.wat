;; Wants a database from a host that has none to offer.
(import "probity:check/sql@0.1.0" "[static]connection.open" (func $open (param i32 i32 i32)))
(func (export "probity:check/checker@0.1.0#run") (param $config i32) (param $config_len i32) (result i32)
  (call $open (i32.const 0) (i32.const 0) (i32.const 2048))
  (call $healthy))
