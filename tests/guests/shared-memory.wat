;; Wants memory that no limiter counts.
(memory (export "memory") 1)
(memory 1 65536 shared)
