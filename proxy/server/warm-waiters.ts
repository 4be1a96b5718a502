// Who waits until nothing of some kinds warms any more.
import type { ResourceKind } from '../model/resource.ts';

/** Of one publisher. */
export class WarmWaiters {
  readonly #hasWarming: (kind: ResourceKind) => boolean;
  #waiting: { readonly kinds: readonly ResourceKind[]; readonly tell: () => void }[] = [];

  constructor(hasWarming: (kind: ResourceKind) => boolean) {
    this.#hasWarming = hasWarming;
  }

  /** Resolves when nothing of these warms: at once, or with a later `tell`. */
  wait(kinds: readonly ResourceKind[]): Promise<void> {
    return new Promise<void>((resolve) => {
      this.#waiting.push({ kinds, tell: resolve });
      this.tell();
    });
  }

  /** Something warms no longer. */
  tell(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const each of waiting) {
      if (each.kinds.some(this.#hasWarming)) this.#waiting.push(each);
      else each.tell();
    }
  }
}
