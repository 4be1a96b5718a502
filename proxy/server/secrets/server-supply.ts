// Supplies a secret that a server sends: its parts may stand in files all the same.
import type { Message } from '@bufbuild/protobuf';
import type { Secret } from '../../api/gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.js';
import type { ConfigSourceConfig } from '../../model/config-source.ts';
import type { StatsScope } from '../../stats/metrics.ts';
import type { DiscoverySource } from '../../xds/discovery.ts';
import { TYPE_URLS } from '../../xds/resource-types.ts';
import { SourceSupply } from '../discovery/supply-from-source.ts';
import type { Supply } from '../need-keeper.ts';
import { DocumentSupply, type FileSupplyParts } from './file-supplies.ts';
import { filesOf } from './secret-document.ts';

/** Which secret, from where. */
export interface ServerSupplyParts extends FileSupplyParts {
  readonly from: ConfigSourceConfig;
  readonly sourceOf: (config: ConfigSourceConfig) => DiscoverySource;
  /** The root scope. */
  readonly stats: StatsScope;
}

/** See the file's head. */
export class ServerSupply implements Supply {
  readonly #parts: ServerSupplyParts;
  readonly #fromSource: SourceSupply;
  /** Follows the files that the last version names; null: it names none. */
  #document: DocumentSupply | null = null;

  constructor(parts: ServerSupplyParts) {
    this.#parts = parts;
    const { name, from, sourceOf, sink } = parts;
    this.#fromSource = new SourceSupply({
      ...{ typeUrl: TYPE_URLS.secret, name, from, sourceOf },
      stats: parts.stats.scope(`sds.${name}`),
      sink: {
        onValue: (message, version) => this.#take(message, version),
        onGivenUp: (reason) => sink.onGivenUp(reason),
      },
      unexpected: (other) => `Unexpected SDS secret (expecting ${name}): ${other}`,
    });
  }

  refuse(reason: string): void {
    this.#fromSource.refuse(reason);
  }

  close(): void {
    this.#fromSource.close();
    this.#document?.close();
  }

  #take(message: Message, version: string): string {
    const secret = message as Secret;
    this.#document?.close();
    this.#document = null;
    if (filesOf(secret).length === 0) return this.#parts.sink.onValue(secret, version);
    let refusal = '';
    const { sink } = this.#parts;
    this.#document = new DocumentSupply(secret, version, {
      ...this.#parts,
      sink: {
        ...sink,
        onValue: (value, from) => {
          refusal = sink.onValue(value, from);
          return refusal;
        },
      },
    });
    return refusal;
  }
}
