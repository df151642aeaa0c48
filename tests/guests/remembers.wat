;; Says how many runs this instance has served, one digit. The first letter of the configuration's first key asks for
;; more: `h` keeps an HTTP request, `w` keeps headers of `wasi:http`, `g` grows by 10 MiB, `t` dies in the third run, `b`
;; burns 300,000 turns of a loop.
(import "probity:check/http@0.1.0" "[constructor]request" (func $request (param i32 i32 i32 i32) (result i32)))
(import "wasi:http/types@0.2.0" "[constructor]fields" (func $fields (result i32)))
(data (i32.const 1024) "GEThttp://127.0.0.1/")
(global $runs (mut i32) (i32.const 0))
(func (export "probity:check/checker@0.1.0#run") (param $config i32) (param $config_len i32) (result i32)
  (local $asked i32)
  (local $turns i32)
  (global.set $runs (i32.add (global.get $runs) (i32.const 1)))
  (local.set $asked (i32.load8_u offset=2 (local.get $config)))
  (if (i32.eq (local.get $asked) (i32.const 104)) ;; h
    (then (drop (call $request (i32.const 1024) (i32.const 3) (i32.const 1027) (i32.const 17)))))
  (if (i32.eq (local.get $asked) (i32.const 119)) (then (drop (call $fields)))) ;; w
  (if (i32.eq (local.get $asked) (i32.const 103)) ;; g
    (then (drop (memory.grow (i32.const 160)))))
  (if (i32.and (i32.eq (local.get $asked) (i32.const 116)) (i32.eq (global.get $runs) (i32.const 3))) ;; t
    (then unreachable))
  (if (i32.eq (local.get $asked) (i32.const 98)) ;; b
    (then (loop $more
      (local.set $turns (i32.add (local.get $turns) (i32.const 1)))
      (br_if $more (i32.lt_u (local.get $turns) (i32.const 300000))))))
  (i32.store8 (i32.const 1100) (i32.add (i32.const 48) (global.get $runs)))
  (call $say (i32.const 0) (i32.const 1100) (i32.const 1)))
