;; Spins before any export is called.
(func $start (loop $forever (br $forever)))
(start $start)
