// Collects what is wrong with one value while it is walked: every problem, each under its path.
import type { Rejection, Warning } from '../../base/result.ts';

/** A rejection that knows more of itself than its text. */
export interface Problem extends Rejection {
  /** The field's name is meant and not its value. */
  readonly onKey: boolean;
  /** An unknown field, which some callers let pass. */
  readonly isUnknownField: boolean;
}

/** Further problems of one value are counted, not kept. */
const MAX_PROBLEMS = 1000;

/** The path of the value at hand, and the problems found so far. Steps are joined only when asked. */
export class ProblemWalk {
  readonly rejections: Problem[] = [];
  readonly warnings: Warning[] = [];
  readonly #steps: (string | number)[] = [];
  readonly #base: string;

  constructor(base = '') {
    this.#base = base;
  }

  /** Enters a field, or an item of a list. */
  push(step: string | number): void {
    this.#steps.push(step);
  }

  /** Enters an entry of a map. */
  pushKey(key: string): void {
    this.#steps.push(`["${key.replace(/["\\]/g, '\\$&')}"]`);
  }

  pop(): void {
    this.#steps.pop();
  }

  /** The path of the value at hand. */
  path(): string {
    let path = this.#base;
    for (const step of this.#steps) {
      if (typeof step === 'number') path += `[${step}]`;
      else if (step.startsWith('["')) path += step;
      else path += path === '' ? step : `.${step}`;
    }
    return path;
  }

  reject(reason: string): void {
    this.#add({ path: this.path(), reason, onKey: false, isUnknownField: false });
  }

  /** Refuses the key `name` of the value at hand. */
  rejectKey(name: string, reason: string): void {
    this.push(name);
    this.#add({ path: this.path(), reason, onKey: true, isUnknownField: false });
    this.pop();
  }

  /** Refuses the key `name` of the value at hand because its message has no such field. */
  rejectUnknown(name: string, reason: string): void {
    this.push(name);
    this.#add({ path: this.path(), reason, onKey: true, isUnknownField: true });
    this.pop();
  }

  warn(reason: string): void {
    if (this.warnings.length < MAX_PROBLEMS) this.warnings.push({ path: this.path(), reason });
  }

  #add(problem: Problem): void {
    if (this.rejections.length < MAX_PROBLEMS) this.rejections.push(problem);
  }
}
