#!/usr/bin/env node
// The outrigger command. Environment and arguments are read here, once.
import { holdYoungGeneration } from '../server/young-generation.ts';

holdYoungGeneration();
const { runCli } = await import('./program.ts');
process.exitCode = await runCli(process.argv.slice(2));
