;; World: extra. Makes resources of its own type and never drops one.
(import "[export]acme:unknown/kettle@1.2.3" "[resource-new]kettle" (func $new (param i32) (result i32)))
(func (export "acme:unknown/kettle@1.2.3#[method]kettle.boil") (param i32 i32) (result i32) (local.get 0))
(func (export "probity:check/checker@0.1.0#run") (param $config i32) (param $config_len i32) (result i32)
  (loop $more (drop (call $new (i32.const 0))) (br $more))
  unreachable)
