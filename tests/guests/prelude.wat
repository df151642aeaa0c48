;; What every fixture gets unless it brings its own: each item is left out of a guest whose text holds the same export.
;; Memory map: 16..63 text, 64..139 the metadata, 192..227 the result of `run`, from 1024 the guest's own data, from
;; 32768 the heap.

;;; "memory"
(memory (export "memory") 1)

;;; always
(data (i32.const 16) "hostile")
(data (i32.const 32) "1.0.0")
(data (i32.const 64) "\10\00\00\00\07\00\00\00\20\00\00\00\05\00\00\00")
(global $heap (mut i32) (i32.const 32768))
;; The area is all zeros: ok, healthy, no message, nothing measured.
(func $healthy (result i32) (i32.const 192))
;; An outcome with a status (0 healthy, 1 degraded, 2 unhealthy) and a message.
(func $say (param $status i32) (param $text i32) (param $len i32) (result i32)
  (i32.store8 (i32.const 196) (local.get $status))
  (i32.store (i32.const 200) (local.get $text))
  (i32.store (i32.const 204) (local.get $len))
  (i32.const 192))
;; Healthy when `bad` is zero, unhealthy otherwise.
(func $expect_zero (param $bad i32) (result i32)
  (call $say (select (i32.const 2) (i32.const 0) (local.get $bad)) (i32.const 0) (i32.const 0)))

;;; "cabi_realloc"
(func $realloc (export "cabi_realloc") (param $old i32) (param $old_size i32) (param $align i32) (param $size i32) (result i32)
  (local $at i32)
  (local.set $at (i32.and
    (i32.add (global.get $heap) (i32.sub (local.get $align) (i32.const 1)))
    (i32.sub (i32.const 0) (local.get $align))))
  (global.set $heap (i32.add (local.get $at) (local.get $size)))
  (block $fits
    (loop $more
      (br_if $fits (i32.le_u (global.get $heap) (i32.mul (memory.size) (i32.const 65536))))
      (if (i32.eq (memory.grow (i32.const 1)) (i32.const -1)) (then unreachable))
      (br $more)))
  (local.get $at))

;;; "probity:check/checker@0.1.0#describe"
(func (export "probity:check/checker@0.1.0#describe") (result i32) (i32.const 64))

;;; "probity:check/checker@0.1.0#run"
(func (export "probity:check/checker@0.1.0#run") (param $config i32) (param $config_len i32) (result i32) (call $healthy))
