// Our own discovery server behind a stream of a test, with what the model of a server serves.
import { toBinary } from '@bufbuild/protobuf';
import {
  DeltaDiscoveryRequestSchema,
  DiscoveryRequestSchema,
} from '../../proxy/api/gen/envoy/service/discovery/v3/discovery_pb.js';
import type { ServerObserver } from '../../proxy/discovery-server/client.ts';
import {
  type AcceptedStream,
  DiscoveryServer,
  type Views,
} from '../../proxy/discovery-server/discovery-server.ts';
import { contentVersion, makeSnapshot } from '../../proxy/discovery-server/snapshot.ts';
import type { FakeXdsStream } from './fake-xds-server.ts';
import type { ServedClient, ServedType } from './model-xds-server.ts';

/** Watches nothing. */
export const UNWATCHED: ServerObserver = {
  onOpen: () => undefined,
  onInterest: () => undefined,
  onPush: () => undefined,
  onAnswer: () => undefined,
  onEnd: () => undefined,
};

/** A client of it; `step` reads what came and pushes what is due. */
export class OwnServerClient implements ServedClient {
  readonly #stream: FakeXdsStream;
  readonly #types: readonly ServedType[];
  readonly #server: DiscoveryServer;
  readonly #accepted: AcceptedStream;
  #read = 0;
  /** Why the server ended the stream. */
  fault = '';

  constructor(
    stream: FakeXdsStream,
    types: readonly ServedType[],
    { isIncremental, nowMs }: { readonly isIncremental: boolean; readonly nowMs: () => number },
  ) {
    this.#stream = stream;
    this.#types = types;
    const parts = { observer: UNWATCHED, nowMs, identifier: '' };
    this.#server = new DiscoveryServer(this.#views(), parts);
    this.#accepted = this.#server.accept({
      ...{ peer: 'test', isIncremental, typeUrl: '' },
      send: (octets) => {
        stream.rubbish(octets);
        return true;
      },
    });
  }

  step(): void {
    const { deltaRequests, requests } = this.#stream;
    const octets = [
      ...requests.map((request) => toBinary(DiscoveryRequestSchema, request)),
      ...deltaRequests.map((request) => toBinary(DeltaDiscoveryRequestSchema, request)),
    ].slice(this.#read);
    this.#read += octets.length;
    for (const each of octets) this.fault ||= this.#accepted.onMessage(each);
    this.#server.publish(this.#views());
    this.#server.tick();
  }

  #views(): Views {
    const snapshot = makeSnapshot(
      this.#types.flatMap((type) =>
        [...type.contents.keys()].map((name) => {
          const content = type.resource(name);
          const version = contentVersion(content, null);
          return { typeUrl: type.typeUrl, name, version, content, ttlMs: null, references: [] };
        }),
      ),
    );
    return { snapshotOf: () => snapshot };
  }
}
