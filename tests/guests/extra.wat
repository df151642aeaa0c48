;; World: extra. Built with a type and an export that this host does not know.
(func (export "acme:unknown/kettle@1.2.3#[method]kettle.boil") (param i32 i32) (result i32) (local.get 0))
