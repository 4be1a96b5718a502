// The copies of one request that go to mirrors, fed as its content comes.
import { copyRequestHead } from '../../../http/copy-head.ts';
import type { HeaderList } from '../../../http/header-list.ts';
import { HEADER_ID, headerMask } from '../../../http/header-names.ts';
import type { RequestHead } from '../../../http/message.ts';
import type { Mirror } from '../../../routing/mirror.ts';
import type { Cluster } from '../../../upstream/cluster-manager.ts';
import type { TerminalFilterCallbacks } from '../../http-filter.ts';
import { announceExpected, type RequestTimeouts } from './route-timeout.ts';
import type { RouterRuntime } from './router-runtime.ts';
import { type ShadowSetup, ShadowStream } from './shadow-stream.ts';

const INTERNAL = HEADER_ID['x-envoy-internal'];
const FORWARDED_FOR = HEADER_ID['x-forwarded-for'];
const FORWARDED_FOR_MASK = headerMask('x-forwarded-for');

/** A request that is copied. */
export interface CopiedRequest {
  readonly head: RequestHead;
  readonly cluster: Cluster;
  readonly timeouts: RequestTimeouts;
  readonly retainedLimitBytes: number;
}

/** Content goes on to all of them; none of them answers. */
export class Shadows {
  readonly #runtime: RouterRuntime;
  readonly #callbacks: TerminalFilterCallbacks;
  #streams: ShadowStream[] = [];

  constructor(runtime: RouterRuntime, callbacks: TerminalFilterCallbacks) {
    this.#runtime = runtime;
    this.#callbacks = callbacks;
  }

  /** Makes a copy for each mirror that wants one and whose cluster there is. */
  start(mirrors: readonly Mirror[], request: CopiedRequest, endStream: boolean): void {
    const { services, streamRandom, info } = this.#callbacks;
    const timeoutMs = request.timeouts.globalMs;
    const setup: ShadowSetup = {
      ...{ services, info, timeoutMs },
      limitBytes: request.retainedLimitBytes,
      abandoned: request.cluster.stats.retryOrShadowAbandoned,
      dynamicStats: this.#runtime.config.dynamicStats,
    };
    for (const mirror of mirrors) {
      const name = mirror.clusterFor(request.head, streamRandom);
      const cluster = name === '' ? null : services.clusters.get(name);
      if (cluster === null) continue;
      const shadow = new ShadowStream(setup, cluster, this.#headOf(request, mirror));
      this.#streams.push(shadow);
      shadow.start(endStream);
    }
    if (endStream) this.#streams = [];
  }

  sendData(data: Buffer, endStream: boolean): void {
    for (const shadow of this.#streams) shadow.sendData(data, endStream);
    if (endStream) this.#streams = [];
  }

  sendTrailers(trailers: HeaderList): void {
    for (const shadow of this.#streams) shadow.sendTrailers(trailers);
    this.#streams = [];
  }

  /** The exchange is over: copies whose request is complete go on without it. */
  abort(): void {
    for (const shadow of this.#streams) shadow.abort();
    this.#streams = [];
  }

  /** As Envoy sends it: as a request of its own, from inside. */
  #headOf({ head, timeouts }: CopiedRequest, mirror: Mirror): RequestHead {
    const { suppressEnvoyHeaders } = this.#runtime.config;
    const copy = copyRequestHead(head);
    mirror.prepare(copy, this.#callbacks);
    const { headers } = copy;
    headers.setKnown(INTERNAL, 'true');
    headers.joinLines(FORWARDED_FOR_MASK);
    const before = headers.get(FORWARDED_FOR) ?? '';
    const { localIp } = this.#callbacks.services;
    headers.setKnown(FORWARDED_FOR, before === '' ? localIp : `${before},${localIp}`);
    announceExpected(copy, suppressEnvoyHeaders ? 0 : timeouts.globalMs);
    return copy;
  }
}
