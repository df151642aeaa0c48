;; Makes HTTP requests and never sends or drops one.
(import "probity:check/http@0.1.0" "[constructor]request" (func $request (param i32 i32 i32 i32) (result i32)))
(data (i32.const 1024) "GEThttp://127.0.0.1/")
(func (export "probity:check/checker@0.1.0#run") (param $config i32) (param $config_len i32) (result i32)
  (loop $more
    (drop (call $request (i32.const 1024) (i32.const 3) (i32.const 1027) (i32.const 17)))
    (br $more))
  unreachable)
