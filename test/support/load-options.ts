// What loading a bootstrap needs of a process, for tests: no files, no environment, all extensions.
import type { LoadOptions } from '../../proxy/config/load.ts';
import { EXTENSIONS } from '../../proxy/filters/extensions.ts';

/** Options with `changes` over those that suit most tests. */
export function loadOptions(changes: Partial<LoadOptions> = {}): LoadOptions {
  return {
    extensions: EXTENSIONS,
    allowUnknownFields: false,
    readFile: () => null,
    probeLogFile: () => null,
    format: {
      hostname: 'test',
      variable: () => null,
      uuid: () => '00000000-0000-4000-8000-000000000000',
      utcOffsetMinutes: () => 0,
    },
    ...changes,
  };
}
