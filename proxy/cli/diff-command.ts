// `outrigger diff`: what changes for traffic between two configurations.
import { compareConfigurations } from '../explain/diff/compare.ts';
import { renderDiff } from '../explain/diff/render-diff.ts';
import { jsonOutput } from '../explain/json-output.ts';
import { explainedConfiguration } from '../server/explained-configuration.ts';
import { EXIT_DIFFERENT, EXIT_OK, EXIT_UNREADABLE } from './exit-codes.ts';
import { loadFor } from './explain-command.ts';

/** The command's flags as commander gives them. */
export interface DiffFlags {
  readonly allowUnknownStaticFields?: boolean;
  readonly json?: boolean;
}

/** As diff(1): 0 for no difference, 1 for one, 2 for a configuration that is refused. */
export function diffConfigurations(before: string, after: string, flags: DiffFlags): number {
  const allowUnknownStaticFields = flags.allowUnknownStaticFields === true;
  const options = { configYaml: '', allowUnknownStaticFields };
  const old = loadFor({ configPath: before, ...options });
  const next = loadFor({ configPath: after, ...options });
  if (old === null || next === null) return EXIT_UNREADABLE;
  const changes = compareConfigurations(explainedConfiguration(old), explainedConfiguration(next));
  const report = { before, after, changes };
  const colour = process.stdout.isTTY === true;
  process.stdout.write(flags.json === true ? jsonOutput(report) : renderDiff(report, { colour }));
  return changes.length === 0 ? EXIT_OK : EXIT_DIFFERENT;
}
