# Once for all files: the scripts read environments with the compiled configuration loader.
setup_suite() {
  (cd "$BATS_TEST_DIRNAME/../.." && npm run --silent build) >&2
}
