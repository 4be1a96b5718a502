// A management server without sockets: the test is told each stream that is opened and plays the
// other end of it, message by message.
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  type DeltaDiscoveryRequest,
  DeltaDiscoveryRequestSchema,
  type DeltaDiscoveryResponse,
  DeltaDiscoveryResponseSchema,
  type DiscoveryRequest,
  DiscoveryRequestSchema,
  type DiscoveryResponse,
  DiscoveryResponseSchema,
} from '../../proxy/api/gen/envoy/service/discovery/v3/discovery_pb.js';
import type { StreamSink, XdsServer, XdsStream } from '../../proxy/xds/xds-server.ts';

type Fields<T> = Omit<Partial<T>, '$typeName' | '$unknown'>;

/** One end of a stream; every message crosses it as octets. */
export class FakeXdsStream implements XdsStream {
  readonly requests: DiscoveryRequest[] = [];
  readonly deltaRequests: DeltaDiscoveryRequest[] = [];
  /** Answer to `send`. */
  hasRoom = true;
  isCancelled = false;
  readonly #isDelta: boolean;
  readonly #sink: StreamSink;

  constructor(method: string, sink: StreamSink) {
    this.#isDelta = /\/Delta/.test(method);
    this.#sink = sink;
  }

  send(octets: Uint8Array): boolean {
    if (this.#isDelta) this.deltaRequests.push(fromBinary(DeltaDiscoveryRequestSchema, octets));
    else this.requests.push(fromBinary(DiscoveryRequestSchema, octets));
    return this.hasRoom;
  }

  cancel(): void {
    this.isCancelled = true;
  }

  open(): void {
    this.#sink.onOpen();
  }

  drain(): void {
    this.hasRoom = true;
    this.#sink.onDrain();
  }

  respond(fields: Fields<DiscoveryResponse>): void {
    const response = create(DiscoveryResponseSchema, fields);
    this.#sink.onMessage(toBinary(DiscoveryResponseSchema, response));
  }

  respondDelta(fields: Fields<DeltaDiscoveryResponse>): void {
    const response = create(DeltaDiscoveryResponseSchema, fields);
    this.#sink.onMessage(toBinary(DeltaDiscoveryResponseSchema, response));
  }

  rubbish(octets: Uint8Array): void {
    this.#sink.onMessage(octets);
  }

  end(code = 14, message = 'gone'): void {
    this.#sink.onEnd({ code, message });
  }
}

/** See the file's head. */
export class FakeXdsServer implements XdsServer {
  readonly name: string;
  readonly streams: FakeXdsStream[] = [];
  readonly methods: string[] = [];
  isClosed = false;

  constructor(name = 'xds_cluster') {
    this.name = name;
  }

  openStream(method: string, sink: StreamSink): XdsStream {
    const stream = new FakeXdsStream(method, sink);
    this.methods.push(method);
    this.streams.push(stream);
    return stream;
  }

  close(): void {
    this.isClosed = true;
  }

  /** The stream that was opened last. */
  get last(): FakeXdsStream {
    const stream = this.streams.at(-1);
    if (stream === undefined) throw new Error('no stream was opened');
    return stream;
  }
}
