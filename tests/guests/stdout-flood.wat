;; Prints 4 MiB in writes of 4 KiB and is otherwise well.
(import "wasi:cli/stdout@0.2.0" "get-stdout" (func $get (result i32)))
(import "wasi:io/streams@0.2.0" "[method]output-stream.blocking-write-and-flush" (func $write (param i32 i32 i32 i32)))
(memory (export "memory") 1)
(data (i32.const 1024) "all is well\n")
(func (export "probity:check/checker@0.1.0#run") (param $config i32) (param $config_len i32) (result i32)
  (local $stream i32) (local $writes i32)
  (local.set $stream (call $get))
  (loop $more
    (call $write (local.get $stream) (i32.const 1024) (i32.const 4096) (i32.const 2048))
    (local.set $writes (i32.add (local.get $writes) (i32.const 1)))
    (br_if $more (i32.lt_u (local.get $writes) (i32.const 1024))))
  (call $healthy))
