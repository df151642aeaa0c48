;; Tries the network and the machine without a grant; unhealthy unless each answers with error kind 0, `denied`.
(import "probity:check/http@0.1.0" "get" (func $get (param i32 i32 i32)))
(import "probity:check/tcp@0.1.0" "[static]socket.connect" (func $connect (param i32 i32 i32 i32 i32 i32)))
(import "probity:check/udp@0.1.0" "exchange" (func $exchange (param i32 i32 i32 i32 i32 i32 i32 i32 i32)))
(import "probity:check/system@0.1.0" "memory" (func $memory (param i32)))
(data (i32.const 1024) "127.0.0.1")
(data (i32.const 1040) "http://127.0.0.1/")
(func (export "probity:check/checker@0.1.0#run") (param $config i32) (param $config_len i32) (result i32)
  (call $get (i32.const 1040) (i32.const 17) (i32.const 2048))
  (call $connect (i32.const 1024) (i32.const 9) (i32.const 80) (i32.const 0) (i32.const 0) (i32.const 2112))
  (call $memory (i32.const 2176))
  (call $exchange (i32.const 1024) (i32.const 9) (i32.const 123) (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 0)
    (i32.const 0) (i32.const 2240))
  (call $expect_zero (i32.add
    (i32.sub (i32.const 4) (i32.add (i32.add (i32.add
      (i32.load8_u (i32.const 2048))
      (i32.load8_u (i32.const 2112)))
      (i32.load8_u (i32.const 2176)))
      (i32.load8_u (i32.const 2240))))
    (i32.or (i32.or (i32.or
      (i32.load8_u (i32.const 2052))
      (i32.load8_u (i32.const 2116)))
      (i32.load8_u (i32.const 2184)))
      (i32.load8_u (i32.const 2248))))))
