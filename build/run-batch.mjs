// Runs test files in this process, one after the other, as one: that of the command line and those of
// OUTRIGGER_TEST_BATCH. tap names directories after the command line, which has to stay short.

import path from 'node:path';
import { pathToFileURL } from 'node:url';

// Who runs it leads a group of its own, and is gone when the run is, however that ended.
process.once('disconnect', () => process.kill(-process.pid, 'SIGKILL'));
process.channel?.unref();

const others = process.env.OUTRIGGER_TEST_BATCH?.split(' ') ?? [];
delete process.env.OUTRIGGER_TEST_BATCH;
for (const file of [process.argv[2], ...others])
  await import(pathToFileURL(path.resolve(file)).href);
