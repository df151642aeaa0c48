;; Prints a traceback on standard error, then dies: what Python does.
(import "wasi:cli/stderr@0.2.0" "get-stderr" (func $get (result i32)))
(import "wasi:io/streams@0.2.0" "[method]output-stream.blocking-write-and-flush" (func $write (param i32 i32 i32 i32)))
(data (i32.const 1024) "Traceback: ZeroDivisionError\n")
(func (export "probity:check/checker@0.1.0#run") (param $config i32) (param $config_len i32) (result i32)
  (call $write (call $get) (i32.const 1024) (i32.const 29) (i32.const 2048))
  unreachable)
