// How the answers of `proxy-config` are written: JSON and YAML without secrets, whole before the
// process ends.
import { stringify } from 'yaml';
import type { JsonValue } from '../../admin/backend.ts';
import { redactSecrets } from '../../admin/redact.ts';
import { type TextTable, tableText } from './text-table.ts';

const FORMATS = ['short', 'json', 'yaml'] as const;

/** What `-o` may say. */
export type OutputFormat = (typeof FORMATS)[number];

/** null: there is no such format. */
export function parseFormat(text: string): OutputFormat | null {
  return FORMATS.find((format) => format === text) ?? null;
}

/** What is wrong with `-o`. */
export function formatError(text: string): string {
  return `--output: '${text}' is none of ${FORMATS.join(', ')}`;
}

/** An answer in both of its forms. */
export interface Answer {
  /** One, or several with a line between them. */
  readonly table: () => TextTable | readonly TextTable[];
  /** What was in the dump; secrets of others may be in it. */
  readonly json: () => unknown;
}

/** The answer as text that ends with a line break. */
export function answerText({ table, json }: Answer, format: OutputFormat): string {
  if (format === 'short') {
    const found = table();
    return 'titles' in found ? tableText(found) : found.map(tableText).join('\n');
  }
  const shown = redactSecrets(json() as JsonValue);
  return format === 'json' ? `${JSON.stringify(shown, null, 2)}\n` : stringify(shown);
}

/** Ends when everything is out, or nobody reads any more (`| head`). */
export function writeOut(content: string): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      process.stdout.off('error', done);
      resolve();
    };
    process.stdout.once('error', done);
    process.stdout.write(content, done);
  });
}
