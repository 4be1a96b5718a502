// The owner of all secrets: it knows who refers to which, has each supplied once by whoever its
// reference names, and says when one can be used or will not come in time.
import type { Secret } from '../../api/gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.js';
import type { Logger } from '../../base/log.ts';
import type { SecretRef } from '../../model/secret.ts';

/** What became of a version of a secret: '' when it is in use, else why it is refused. */
export type UseSecret = (key: string, secret: Secret, version: string) => string;

/** Supplies one secret until it is closed. */
export interface SecretSupply {
  close(): void;
}

/** What a supply tells. */
export interface SecretSink {
  /** A version; answers why it is refused, '' for a good one. The last good one stays in use. */
  onSecret(secret: Secret, version: string): string;
  /** It will not come in time: whoever waits goes on without it. */
  onGivenUp(reason: string): void;
}

/** Begins to supply what a reference names; the sink may be told inside this call. */
export type OpenSupply = (ref: SecretRef, sink: SecretSink) => SecretSupply;

/** What a keeper works with. */
export interface SecretKeeperParts {
  readonly use: UseSecret;
  /** Nobody refers to it any more. */
  readonly drop: (key: string) => void;
  readonly open: OpenSupply;
  /** A secret became usable, or was given up, for the first time. */
  readonly onSettled: (key: string) => void;
  readonly log: Logger;
}

interface Kept {
  readonly ref: SecretRef;
  readonly users: Set<string>;
  supply: SecretSupply | null;
  /** It has a value, or nobody waits for one any more. */
  isSettled: boolean;
}

/** One per process. */
export class SecretKeeper {
  readonly #parts: SecretKeeperParts;
  readonly #kept = new Map<string, Kept>();

  constructor(parts: SecretKeeperParts) {
    this.#parts = parts;
  }

  /** `user` refers to these from now on, and to no others. */
  retain(user: string, refs: readonly SecretRef[]): void {
    const wanted = new Map(refs.map((ref) => [ref.key, ref]));
    for (const ref of wanted.values()) this.#admit(ref, user);
    for (const [key, kept] of this.#kept) {
      if (!wanted.has(key) && kept.users.delete(user)) this.#dropUnused(key, kept);
    }
  }

  /** `user` is gone. */
  release(user: string): void {
    this.retain(user, []);
  }

  /** True when whoever refers to it need not wait. */
  isSettled(key: string): boolean {
    return this.#kept.get(key)?.isSettled ?? true;
  }

  /** Secrets that somebody waits for. */
  unsettled(): readonly SecretRef[] {
    return [...this.#kept.values()].filter(({ isSettled }) => !isSettled).map(({ ref }) => ref);
  }

  /** Everything that is referred to. */
  refs(): readonly SecretRef[] {
    return [...this.#kept.values()].map(({ ref }) => ref);
  }

  stop(): void {
    for (const { supply } of this.#kept.values()) supply?.close();
    this.#kept.clear();
  }

  #admit(ref: SecretRef, user: string): void {
    const known = this.#kept.get(ref.key);
    if (known !== undefined) {
      known.users.add(user);
      return;
    }
    const kept: Kept = { ref, users: new Set([user]), supply: null, isSettled: false };
    this.#kept.set(ref.key, kept);
    // What stands in the configuration itself changes with it only.
    if (ref.source.kind === 'inline') kept.isSettled = true;
    else kept.supply = this.#parts.open(ref, this.#sink(ref.key, kept));
    if (ref.initial !== null) kept.isSettled = true;
  }

  #sink(key: string, kept: Kept): SecretSink {
    return {
      onSecret: (secret, version) => {
        const refusal = this.#parts.use(key, secret, version);
        if (refusal === '') this.#settle(key, kept);
        return refusal;
      },
      onGivenUp: (reason) => {
        if (kept.isSettled) return;
        this.#parts.log.log('warning', `secret '${kept.ref.name}' is not there: ${reason}`);
        this.#settle(key, kept);
      },
    };
  }

  #settle(key: string, kept: Kept): void {
    if (kept.isSettled) return;
    kept.isSettled = true;
    this.#parts.onSettled(key);
  }

  #dropUnused(key: string, kept: Kept): void {
    if (kept.users.size > 0) return;
    this.#kept.delete(key);
    kept.supply?.close();
    this.#parts.drop(key);
  }
}
