// The secrets of one worker by key: whoever builds a TLS context asks here, the primary says what
// they are, and a new version is seen by all at the same moment.
import type { SecretRef, SecretValue } from '../model/secret.ts';

/** Told when a secret it looked up has another value. */
export type OnSecretChange = () => void;

/** A secret in use; closed once, by whoever opened it. */
export interface SecretSlot<V extends SecretValue = SecretValue> {
  /** null: it was not supplied yet. */
  readonly value: V | null;
  close(): void;
}

/** Where a worker finds secrets. */
export interface Secrets {
  open<V extends SecretValue>(ref: SecretRef<V>, onChange: OnSecretChange): SecretSlot<V>;
}

interface Shared {
  value: SecretValue | null;
  readonly users: Set<OnSecretChange>;
}

/** See the file's head. */
export class SecretHub implements Secrets {
  readonly #shared = new Map<string, Shared>();

  open<V extends SecretValue>(ref: SecretRef<V>, onChange: OnSecretChange): SecretSlot<V> {
    const shared = this.#find(ref.key);
    shared.value ??= ref.initial;
    // Two users may hand in the same function.
    const user = (): void => onChange();
    shared.users.add(user);
    return {
      get value(): V | null {
        return shared.value as V | null;
      },
      close: () => {
        shared.users.delete(user);
      },
    };
  }

  /** null: nobody supplied it. */
  get(key: string): SecretValue | null {
    return this.#shared.get(key)?.value ?? null;
  }

  /** A new version, which every user hears of at once. */
  set(key: string, value: SecretValue): void {
    const shared = this.#find(key);
    shared.value = value;
    for (const user of [...shared.users]) user();
  }

  /** Nobody will want it again. */
  remove(key: string): void {
    const shared = this.#shared.get(key);
    if (shared?.users.size === 0) this.#shared.delete(key);
  }

  #find(key: string): Shared {
    let shared = this.#shared.get(key);
    if (shared === undefined) {
      shared = { value: null, users: new Set() };
      this.#shared.set(key, shared);
    }
    return shared;
  }
}
