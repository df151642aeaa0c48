;; Asks for a table of 10 million elements before it runs.
(table 10000000 funcref)
