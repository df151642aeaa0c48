;; Unhealthy when it gets a TCP socket, a UDP socket or a name resolved.
(import "wasi:sockets/instance-network@0.2.0" "instance-network" (func $network (result i32)))
(import "wasi:sockets/ip-name-lookup@0.2.0" "resolve-addresses" (func $resolve (param i32 i32 i32 i32)))
(import "wasi:sockets/tcp-create-socket@0.2.0" "create-tcp-socket" (func $tcp (param i32 i32)))
(import "wasi:sockets/udp-create-socket@0.2.0" "create-udp-socket" (func $udp (param i32 i32)))
(data (i32.const 1024) "localhost")
(func (export "probity:check/checker@0.1.0#run") (param $config i32) (param $config_len i32) (result i32)
  (call $tcp (i32.const 0) (i32.const 2048))
  (call $udp (i32.const 0) (i32.const 2056))
  (call $resolve (call $network) (i32.const 1024) (i32.const 9) (i32.const 2064))
  (call $expect_zero (i32.sub (i32.const 3) (i32.add (i32.add
    (i32.load8_u (i32.const 2048))
    (i32.load8_u (i32.const 2056)))
    (i32.load8_u (i32.const 2064))))))
