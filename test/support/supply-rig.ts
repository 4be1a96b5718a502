// A supply whose source is a mux with a played server, and whoever it supplies, written down.
import { create, type Message } from '@bufbuild/protobuf';
import type { Any } from '@bufbuild/protobuf/wkt';
import { ResourceSchema } from '../../proxy/api/gen/envoy/service/discovery/v3/discovery_pb.js';
import type { ConfigSourceConfig } from '../../proxy/model/config-source.ts';
import type { CheckedRoutes } from '../../proxy/server/discovery/supply-from-source.ts';
import type { KeeperSink } from '../../proxy/server/need-keeper.ts';
import { FakeMux, turn } from './fake-mux.ts';

/** Where everything comes from. */
export const ADS_SOURCE: ConfigSourceConfig = { kind: 'ads', key: 'ads', fetchTimeoutMs: 1_000 };

/** What a server sends: resources by name, in its order. */
export type Sent = Readonly<Record<string, Any>>;

/** What a played update says besides. */
export interface SentUpdate {
  readonly typeUrl: string;
  readonly version: string;
  readonly resources: Sent;
  readonly removed?: readonly string[];
}

/** See the file's head. */
export class SupplyRig<M extends Message = Message> {
  readonly fake: FakeMux;
  /** Versions that were handed on. */
  readonly values: M[] = [];
  /** `value 1`, `refused 2`, `given up: …`, `withdrawn`. */
  readonly told: string[] = [];
  /** Versions that were refused without the sink, and why. */
  readonly unusable: string[] = [];
  /** Answer to what is handed on next. */
  refusal = '';
  checkRoutes: (message: Message) => CheckedRoutes = () => ({ ok: true, vhds: null });
  readonly sink: KeeperSink<Message> = {
    onValue: (message, version) => {
      this.told.push(`${this.refusal === '' ? 'value' : 'refused'} ${version}`);
      if (this.refusal === '') this.values.push(message as M);
      return this.refusal;
    },
    onGivenUp: (reason) => this.told.push(`given up: ${reason}`),
    onWithdrawn: () => this.told.push('withdrawn'),
  };
  readonly #isIncremental: boolean;
  #nonce = 0;

  constructor(isIncremental: boolean) {
    this.#isIncremental = isIncremental;
    this.fake = new FakeMux({ isIncremental });
  }

  /** What a supply is made of. */
  get parts() {
    return {
      sourceOf: () => this.fake.mux,
      stats: this.fake.stats,
      onUnusable: (details: string, version: string) =>
        void this.unusable.push(`${version}: ${details}`),
      checkRoutes: (message: Message) => this.checkRoutes(message),
    };
  }

  /** The last value. */
  get last(): M {
    return this.values.at(-1) as M;
  }

  /** What came since this was asked last. */
  news(): readonly string[] {
    return this.told.splice(0);
  }

  /** The server takes the stream. */
  async open(): Promise<void> {
    await turn();
    this.fake.server.last.open();
    await turn();
  }

  /** The server goes away and comes back. */
  async restart(): Promise<void> {
    this.fake.server.last.end();
    this.fake.clock.advance(60_000);
    await this.open();
  }

  /** Sends an update; answers what the server hears: '' for an ACK. */
  async send({ typeUrl, version, resources, removed = [] }: SentUpdate): Promise<string> {
    this.#nonce += 1;
    const nonce = `${this.#nonce}`;
    const entries = Object.entries(resources);
    const stream = this.fake.server.last;
    if (this.#isIncremental) {
      const wrapped = entries.map(([name, resource]) =>
        create(ResourceSchema, { name, version, resource }),
      );
      const removedResources = [...removed];
      const common = { typeUrl, nonce, systemVersionInfo: version };
      stream.respondDelta({ ...common, resources: wrapped, removedResources });
    } else {
      const contents = entries.map(([, content]) => content);
      stream.respond({ typeUrl, nonce, versionInfo: version, resources: contents });
    }
    await turn();
    return this.answer(typeUrl);
  }

  /** The last thing that the server heard of its last update of that type. */
  answer(typeUrl: string): string {
    const { deltaRequests, requests } = this.fake.server.last;
    const all = [...requests, ...deltaRequests].filter((each) => each.typeUrl === typeUrl);
    const last = all.findLast(({ responseNonce }) => responseNonce !== '');
    if (last === undefined) return 'no answer';
    return last.errorDetail?.message ?? '';
  }

  counter(name: string): number {
    return this.fake.counter(name);
  }
}
