// Differences between two configurations, as text: what is meant stands above, changes below it.
import { type Mark, TextLayout, type TextOptions } from '../text-layout.ts';
import type { ConfigChange, DiffReport } from './compare.ts';
import type { FieldDifference } from './field-changes.ts';

const MARKS: Readonly<Record<ConfigChange['kind'], Mark>> = {
  added: 'added',
  removed: 'removed',
  changed: 'changed',
  moved: 'changed',
  shadowed: 'note',
  reachable: 'note',
};

/** Ends with a line break. */
export function renderDiff(report: DiffReport, options: TextOptions): string {
  const { before, after, changes } = report;
  const out = new TextLayout();
  if (changes.length === 0) {
    out.line(0, `${before} → ${after}: no change for traffic`);
    return out.render(options);
  }
  out.heading(`${before} → ${after}`);
  let scope: string | null = null;
  for (const change of changes) {
    const here = change.scope.join(' / ');
    if (here !== scope && here !== '') {
      out.blank();
      out.heading(here);
    } else if (scope !== null && here === '' && scope !== '') {
      out.blank();
    }
    scope = here;
    changeLines(out, change);
  }
  out.blank();
  out.line(0, changes.length === 1 ? '1 change' : `${changes.length} changes`);
  return out.render(options);
}

function changeLines(out: TextLayout, change: ConfigChange): void {
  const { kind, part, name, description, fields, origin } = change;
  const what = name === '' ? part : `${part} ${name}`;
  const separator = kind === 'added' || kind === 'removed' ? '  ' : ': ';
  const text = description === '' ? what : `${what}${separator}${description}`;
  out.marked(MARKS[kind], text, origin);
  for (const field of fields) out.line(3, fieldText(field));
}

function fieldText({ field, before, after }: FieldDifference): string {
  if (field.endsWith('[]')) {
    const list = field.slice(0, -2);
    return before === null ? `${list}: + ${after ?? ''}` : `${list}: - ${before}`;
  }
  return `${field}: ${before ?? 'not set'} → ${after ?? 'not set'}`;
}
