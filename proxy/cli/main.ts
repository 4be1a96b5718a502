#!/usr/bin/env node
// The outrigger command. Environment and arguments are read here, once.
import { runCli } from './program.ts';

process.exitCode = await runCli(process.argv.slice(2));
