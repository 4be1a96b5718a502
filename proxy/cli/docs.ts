// The table of flags in docs/command-line.md, written from the table that the command line uses.
import { ENVOY_FLAGS } from './envoy-flags.ts';

const BEGIN = '<!-- Written by `npm run docs`: do not edit from here on. -->';

/** `text` with its part below the mark renewed. */
export function renewFlagDocs(text: string): string {
  const end = text.indexOf(BEGIN);
  const rows = ENVOY_FLAGS.map(
    ({ flags, description }) => `| \`${flags}\` | ${description.replaceAll('|', '\\|')} |`,
  );
  const head = end < 0 ? `${text.trimEnd()}\n\n` : text.slice(0, end);
  return `${head}${BEGIN}\n\n| Flag | Meaning |\n|---|---|\n${rows.join('\n')}\n`;
}
