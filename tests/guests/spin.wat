;; Never returns.
(func (export "probity:check/checker@0.1.0#run") (param $config i32) (param $config_len i32) (result i32)
  (loop $forever (br $forever))
  unreachable)
