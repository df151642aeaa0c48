;; Unhealthy when it is given a directory.
(import "wasi:filesystem/preopens@0.2.0" "get-directories" (func $get (param i32)))
(func (export "probity:check/checker@0.1.0#run") (param $config i32) (param $config_len i32) (result i32)
  (call $get (i32.const 2048))
  (call $expect_zero (i32.load (i32.const 2052))))
