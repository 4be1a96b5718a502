// Who supplies a secret, by what its reference says, and what the subscription counts.
import type { Secret } from '../../api/gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.js';
import type { Logger } from '../../base/log.ts';
import type { ConfigSourceConfig } from '../../model/config-source.ts';
import type { SecretRef, SecretSource } from '../../model/secret.ts';
import type { StatsScope } from '../../stats/metrics.ts';
import type { DiscoverySource } from '../../xds/discovery.ts';
import type { Supply, SupplySink } from '../need-keeper.ts';
import {
  DocumentSupply,
  type FileSupplyParts,
  SecretFile,
  type SupplyCounters,
} from './file-supplies.ts';
import { ServerSupply } from './server-supply.ts';

/** What supplies are made of. */
export interface SupplyParts {
  /** A static secret of the bootstrap in use, by name. */
  readonly findStatic: (name: string) => Secret | null;
  /** Root scope: subscriptions count under `sds.<name>.`. */
  readonly stats: StatsScope;
  readonly log: Logger;
  readonly sourceOf: (config: ConfigSourceConfig) => DiscoverySource;
}

/** Opens supplies; files of secrets are shared by those who want one of theirs. */
export class SecretSupplies {
  readonly #parts: SupplyParts;
  readonly #files = new Map<string, SecretFile>();
  readonly #static = new Map<string, { readonly name: string; readonly supply: DocumentSupply }>();

  constructor(parts: SupplyParts) {
    this.#parts = parts;
  }

  /** null: it is in the configuration, and changes with it only. */
  readonly open = (ref: SecretRef, sink: SupplySink<Secret>): Supply | null => {
    const { source, name } = ref;
    const parts = { name, sink, counters: this.#counters(ref), log: this.#parts.log };
    switch (source.kind) {
      case 'files':
        return new DocumentSupply(source.secret as Secret, '', parts);
      case 'static':
        return this.#openStatic(ref, parts);
      case 'path':
        return withTimeout(this.#openFile(source, parts), source.fetchTimeoutMs, sink);
      case 'xds':
        return new ServerSupply({ ...parts, from: source.from, ...this.#parts });
      case 'inline':
        return null;
    }
  };

  /** The bootstrap was read again: static secrets may have changed. */
  refreshStatic(version: string): void {
    for (const { name, supply } of this.#static.values()) {
      const secret = this.#parts.findStatic(name);
      if (secret !== null) supply.replace(secret, version);
    }
  }

  #openStatic(ref: SecretRef, parts: FileSupplyParts): Supply {
    const secret = this.#parts.findStatic(ref.name);
    if (secret === null) {
      parts.sink.onGivenUp('no static secret has this name');
      return { close: () => undefined };
    }
    const supply = new DocumentSupply(secret, '', parts);
    this.#static.set(ref.key, { name: ref.name, supply });
    return {
      close: () => {
        this.#static.delete(ref.key);
        supply.close();
      },
    };
  }

  #openFile(
    { path, directory }: Extract<SecretSource, { readonly kind: 'path' }>,
    parts: FileSupplyParts,
  ): Supply {
    const key = `${path}\n${directory}`;
    const file = this.#files.get(key) ?? new SecretFile(path, directory, this.#parts.log);
    this.#files.set(key, file);
    const supply = file.open(parts);
    return {
      close: () => {
        supply.close();
        if (!file.isUnused) return;
        file.close();
        this.#files.delete(key);
      },
    };
  }

  /** What stands in the configuration itself is no subscription: only what is refused counts. */
  #counters({ source, name }: SecretRef): SupplyCounters {
    if (source.kind !== 'path') return this.#refusalsOnly();
    const scope = this.#parts.stats.scope(`sds.${name}`);
    const attempts = scope.counter('update_attempt');
    const successes = scope.counter('update_success');
    const failures = scope.counter('update_failure');
    const rejected = scope.counter('update_rejected');
    return {
      onAttempt: () => attempts.inc(),
      onSuccess: () => successes.inc(),
      onFailure: () => failures.inc(),
      onRejected: () => rejected.inc(),
    };
  }

  #refusalsOnly(): SupplyCounters {
    const refused = this.#parts.stats.scope('server').counter('secret_update_rejected');
    return {
      onAttempt: () => undefined,
      onSuccess: () => undefined,
      onFailure: () => refused.inc(),
      onRejected: () => refused.inc(),
    };
  }
}

/** Gives up after the time that the first answer may take; 0: never. */
function withTimeout(supply: Supply, timeoutMs: number, sink: SupplySink<Secret>): Supply {
  if (timeoutMs === 0) return supply;
  const timer = setTimeout(() => sink.onGivenUp('initial_fetch_timeout is over'), timeoutMs);
  timer.unref();
  return {
    close: () => {
      clearTimeout(timer);
      supply.close();
    },
  };
}
