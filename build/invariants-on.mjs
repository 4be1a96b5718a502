// Loaded by `--import` into every process of a test run, children included: machines check
// themselves (proxy/base/invariants.ts).
globalThis.OUTRIGGER_INVARIANTS = true;
