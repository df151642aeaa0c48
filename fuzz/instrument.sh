#!/bin/sh
# A wrapper around rustc for the crates of the workspace: compiles them with FUZZ_FLAGS (xtask/src/fuzz.rs), and leaves the
# dependencies as every other build made them.
case " $* " in
  # These run while the workspace is built, without libFuzzer to count for.
  *" build_script_build "* | *" --crate-type proc-macro "*) exec "$@" ;;
  *" --crate-name "*) ;;
  *) exec "$@" ;;
esac
# Unquoted: it is a list of words.
exec "$@" $FUZZ_FLAGS
