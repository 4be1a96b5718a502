// Fields that came together and may do so again: their lines are ready in one piece.
import type { TableEntry } from '../hpack/table-entry.ts';
import { FieldLines } from './field-lines.ts';
import { PLAIN } from './field-verdicts.ts';

/** A run of judged fields. */
export class FieldRun {
  readonly lines = new FieldLines();
  /** Fields that are not lines, or more than that, before and behind the first line. */
  readonly before: TableEntry[] = [];
  readonly behind: TableEntry[] = [];

  add(entry: TableEntry): void {
    if (entry.verdict === PLAIN) {
      this.lines.add(entry.name.id, entry.name.text.length, entry.line);
    } else if (this.lines.isEmpty) {
      this.before.push(entry);
    } else {
      this.behind.push(entry);
    }
  }

  /** Behind the last field. */
  finish(): void {
    // Makes V8 flatten the text, which otherwise each head would do.
    this.lines.text.charCodeAt(0);
  }
}
