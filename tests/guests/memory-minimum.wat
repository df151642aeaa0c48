;; Asks for 1 GiB before it runs.
(memory (export "memory") 16384)
