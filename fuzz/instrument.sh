#!/bin/sh
# A wrapper around rustc for the crates of the workspace: compiles them with the counters that libFuzzer reads, as cargo-fuzz
# does (its flags; none needs a nightly compiler), and leaves the dependencies as every other build made them.
case " $* " in
  # These run while the workspace is built, without libFuzzer to count for.
  *" build_script_build "* | *" --crate-type proc-macro "*) exec "$@" ;;
  *" --crate-name "*) ;;
  *) exec "$@" ;;
esac
exec "$@" --cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
  -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
  -Cllvm-args=-sanitizer-coverage-trace-compares -Cllvm-args=-sanitizer-coverage-stack-depth
