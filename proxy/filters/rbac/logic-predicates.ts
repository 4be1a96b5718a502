// How permissions and principals are put together.
import type { RbacPredicate, RbacSubject } from './rbac-subject.ts';

/** `any: true` */
export const ANYTHING: RbacPredicate = Object.freeze({ matches: () => true });

/** and_rules, and_ids */
export class AllOf implements RbacPredicate {
  readonly #parts: readonly RbacPredicate[];

  constructor(parts: readonly RbacPredicate[]) {
    this.#parts = parts;
  }

  matches(subject: RbacSubject): boolean {
    for (const part of this.#parts) if (!part.matches(subject)) return false;
    return true;
  }
}

/** or_rules, or_ids, and a policy's permissions or principals. */
export class AnyOf implements RbacPredicate {
  readonly #parts: readonly RbacPredicate[];

  constructor(parts: readonly RbacPredicate[]) {
    this.#parts = parts;
  }

  matches(subject: RbacSubject): boolean {
    for (const part of this.#parts) if (part.matches(subject)) return true;
    return false;
  }
}

/** not_rule, not_id */
export class NotThat implements RbacPredicate {
  readonly #part: RbacPredicate;

  constructor(part: RbacPredicate) {
    this.#part = part;
  }

  matches(subject: RbacSubject): boolean {
    return !this.#part.matches(subject);
  }
}
