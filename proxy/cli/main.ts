#!/usr/bin/env node
// The outrigger command. Environment and arguments are read here, once.
import { runCli } from './program.ts';

const exitCode = await runCli(process.argv.slice(2));
// What still holds the process (a client that does not close, a log's timer) must not.
process.exit(exitCode);
