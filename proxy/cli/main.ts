#!/usr/bin/env node
// The outrigger command. Environment and arguments are read here, once.
// Evaluated first: everything else is loaded under it.
import '../server/young-heap.ts';

import { runCli } from './program.ts';

const exitCode = await runCli(process.argv.slice(2));
// What still holds the process must not: workers that load, a client that does not close.
process.exit(exitCode);
