;; Unhealthy when it is given an environment variable, an argument or a working directory.
(import "wasi:cli/environment@0.2.0" "get-environment" (func $environment (param i32)))
(import "wasi:cli/environment@0.2.0" "get-arguments" (func $arguments (param i32)))
(import "wasi:cli/environment@0.2.0" "initial-cwd" (func $cwd (param i32)))
(func (export "probity:check/checker@0.1.0#run") (param $config i32) (param $config_len i32) (result i32)
  (call $environment (i32.const 2048))
  (call $arguments (i32.const 2056))
  (call $cwd (i32.const 2064))
  (call $expect_zero (i32.or
    (i32.or (i32.load (i32.const 2052)) (i32.load (i32.const 2060)))
    (i32.load8_u (i32.const 2064)))))
