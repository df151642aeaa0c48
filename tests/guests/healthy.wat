;; The neighbour: does nothing wrong.
