// The table of flags in docs/istio-iptables.md, written from the table that the command reads.
import { FLAGS, type FlagSpec, variablesOf } from './flags.ts';

const BEGIN = '<!-- Written by `npm run docs`: do not edit from here on. -->';

/** `text` with its part below the mark renewed. */
export function renewIptablesDocs(text: string): string {
  const end = text.indexOf(BEGIN);
  const head = end < 0 ? `${text.trimEnd()}\n\n` : text.slice(0, end);
  const rows = FLAGS.map((flag) => row(flag).join(' | '));
  const table = ['Flag | Variables | Default | Meaning', '--- | --- | --- | ---', ...rows];
  return `${head}${BEGIN}\n\n${table.map((line) => `| ${line} |`).join('\n')}\n`;
}

function row(flag: FlagSpec): readonly string[] {
  const { name, short, initial, help } = flag;
  const names = short === '' ? `\`--${name}\`` : `\`-${short}\`, \`--${name}\``;
  const variables = variablesOf(flag).map((variable) => `\`${variable}\``);
  return [names, variables.join(', '), initial === '' ? '' : `\`${initial}\``, help];
}
