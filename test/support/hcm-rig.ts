// One downstream connection of a connection manager over fakes: its time, its bytes, its codecs.

import { HttpConnectionManagerSchema } from '../../proxy/api/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js';
import { socketAddress } from '../../proxy/base/address.ts';
import { privateCells } from '../../proxy/base/cells/shared-cells.ts';
import { SILENT_LOG } from '../../proxy/base/log.ts';
import { compileHttpConnectionManager } from '../../proxy/config/compile/http-connection-manager.ts';
import { DiscoveredHub } from '../../proxy/filters/discovered-configs.ts';
import { EXTENSIONS } from '../../proxy/filters/extensions.ts';
import type {
  HttpFilterDefinition,
  TerminalFilterCallbacks,
} from '../../proxy/filters/http-filter.ts';
import { CONTINUE } from '../../proxy/filters/http-filter.ts';
import { HcmRuntime } from '../../proxy/filters/network/http-connection-manager/hcm-runtime.ts';
import { HttpConnection } from '../../proxy/filters/network/http-connection-manager/http-connection.ts';
import type { CodecChoice } from '../../proxy/filters/network/http-connection-manager/pending-codec.ts';
import {
  NO_OVERLOAD,
  type OverloadState,
  type WorkerServices,
} from '../../proxy/filters/network-filter.ts';
import type { FormatContext } from '../../proxy/formatter/formatter.ts';
import { HeaderList } from '../../proxy/http/header-list.ts';
import { ResponseHead } from '../../proxy/http/message.ts';
import { UNWATCHED } from '../../proxy/model/watched-file.ts';
import type { ConnectOptions } from '../../proxy/net/connector.ts';
import { StatsStore } from '../../proxy/stats/store.ts';
import { SecretHub } from '../../proxy/tls/secret-hub.ts';
import { compileJson, testEnvironment, typed } from './compile-json.ts';
import { FakeClock } from './fake-clock.ts';
import { FakeConnection } from './fake-connector.ts';
import { FakeServerCodec } from './fake-server-codec.ts';
import { seededRandom } from './seeded-random.ts';
import { tlsInfo } from './tls-info.ts';
import { testTlsServices } from './tls-services.ts';

const CONNECT_OPTIONS: ConnectOptions = {
  bufferLimitBytes: 1024,
  keepalive: null,
  bindAddress: null,
};

type Json = Parameters<typeof compileJson>[0]['json'];

/** A listener that a test changes. */
class RigListener {
  readonly scope;
  readonly bufferLimitBytes = 1024;
  overload: OverloadState = NO_OVERLOAD;
  isDraining = false;
  isHealthFailed = false;

  constructor(store: StatsStore) {
    this.scope = store.scope('listener.test');
  }

  isHealthCheckFailed(): boolean {
    return this.isHealthFailed;
  }

  shouldDrainClose(): boolean {
    return this.isDraining;
  }
}

/** What a test works with. */
export class HcmRig {
  readonly clock = new FakeClock();
  readonly store = new StatsStore(null);
  readonly listener = new RigListener(this.store);
  readonly connection: FakeConnection;
  readonly http: HttpConnection;
  /** Requests that reached the end of the filters and wait for `answer`. */
  readonly requests: TerminalFilterCallbacks[] = [];
  /** `code flags details` of every exchange that is over. */
  readonly logged: string[] = [];
  /** Null until the connection has chosen. */
  codec: FakeServerCodec | null = null;

  /**
   * `members` are laid over the connection manager; `alpn` is what TLS would have negotiated;
   * `filters` stand in front of the terminal one.
   */
  constructor(
    members: { [name: string]: Json } = {},
    alpn = '',
    filters: readonly HttpFilterDefinition[] = [],
  ) {
    const config = this.#config(members, filters);
    const runtime = new HcmRuntime(config, this.#services(), this.listener);
    this.#useFakeCodecs(runtime);
    const target = socketAddress('127.0.0.1', 5000);
    const info = {
      id: 1,
      directRemoteAddress: target,
      remoteAddress: target,
      localAddress: socketAddress('127.0.0.1', 80),
      directLocalAddress: socketAddress('127.0.0.1', 80),
      requestedServerName: '',
      filterChainName: '',
      tls: alpn === '' ? null : tlsInfo({ applicationProtocol: alpn }),
      filterState: null,
    };
    const nobody = { onConnected() {}, onBytes() {}, onEnd() {}, onDrain() {}, onClose() {} };

    this.connection = new FakeConnection(1, target, CONNECT_OPTIONS, nobody);
    this.connection.accept();
    this.http = new HttpConnection(runtime, this.connection, info);
    this.connection.setHandler(this.http);
  }

  /** The codec once there is one. */
  get chosen(): FakeServerCodec {
    if (this.codec === null) throw new Error('the connection has no codec yet');
    return this.codec;
  }

  /** Value of `http.test.downstream_<name>`. */
  stat(name: string): number {
    return this.fullStat(`http.test.downstream_${name}`);
  }

  /** Value of a counter or gauge. */
  fullStat(name: string): number {
    const { counters, gauges } = this.store.snapshot();
    const value = counters[name] ?? gauges[name];
    if (value === undefined) throw new Error(`no counter or gauge is called ${name}`);
    return value;
  }

  /** Answers the request that waits longest, with 200 and no content. */
  answer(endStream = true): void {
    const request = this.requests.shift();
    if (request === undefined) throw new Error('nobody waits for an answer');
    request.sendResponseHead(new ResponseHead(200, HeaderList.empty()), endStream);
  }

  #config(members: { [name: string]: Json }, filters: readonly HttpFilterDefinition[]) {
    const router = typed('extensions.filters.http.router.v3.Router');
    const json = {
      stat_prefix: 'test',
      route_config: {},
      http_filters: [{ name: 'router', typed_config: router }],
      ...members,
    } as Json;
    const extensions = { ...EXTENSIONS, httpFilters: [...EXTENSIONS.httpFilters, ...filters] };
    const environment = testEnvironment({ extensions });
    const source = { schema: HttpConnectionManagerSchema, json, environment };
    const { value, rejections } = compileJson(source, compileHttpConnectionManager);
    if (value === null) throw new Error(JSON.stringify(rejections));
    const chain = [...filters, this.#hold()].map((definition) => {
      const { name } = definition;
      return { name, definition, config: '', disabled: false };
    });
    const log = { write: (stream: FormatContext) => this.#note(stream) };
    const accessLogs = [log] as never;
    return { ...value, accessLogs, httpFilters: chain };
  }

  #services(): WorkerServices {
    const { clock, store } = this;
    const random = seededRandom(1);
    const { timers } = clock;
    return {
      clock,
      random,
      timers,
      codecServices: { nowMs: () => clock.nowMs(), timers, random, flushLater: () => undefined },
      clusters: { get: () => null },
      stats: store,
      cells: privateCells(() => clock.nowMs()),
      secrets: new SecretHub(),
      tls: testTlsServices(),
      log: SILENT_LOG.logger('http'),
      node: { id: '', cluster: '' } as never,
      localIp: '127.0.0.1',
      discovered: new DiscoveredHub(),
      files: UNWATCHED,
      openAccessLog: (config) => config as never,
    };
  }

  #useFakeCodecs(runtime: HcmRuntime): void {
    const { kinds } = runtime.codecs;
    const fake = (kind: typeof kinds.http1): typeof kinds.http1 => ({
      protocol: kind.protocol,
      cxTotal: kind.cxTotal,
      cxActive: kind.cxActive,
      rqTotal: kind.rqTotal,
      create: (sink, handler) => {
        this.codec = new FakeServerCodec(kind.protocol, sink, handler);
        return this.codec;
      },
      countError: (error) => kind.countError(error),
      countDroppedFields: (amount) => kind.countDroppedFields(amount),
    });
    const mutable = runtime as { codecs: CodecChoice };
    mutable.codecs = {
      ...runtime.codecs,
      kinds: { http1: fake(kinds.http1), http2: fake(kinds.http2) },
    };
  }

  /** A terminal filter that leaves the answer to the test. */
  #hold(): HttpFilterDefinition {
    const router = EXTENSIONS.httpFilters.find(({ isTerminal }) => isTerminal);
    if (router === undefined) throw new Error('there is no router');
    return {
      ...router,
      factory: () => ({
        create: (callbacks) => {
          const stream = callbacks as TerminalFilterCallbacks;
          return {
            onRequestHead: () => {
              this.requests.push(stream);
              return CONTINUE;
            },
            onStreamEnd: () => {
              const index = this.requests.indexOf(stream);
              if (index >= 0) this.requests.splice(index, 1);
            },
          };
        },
      }),
    };
  }

  #note({ info }: FormatContext): void {
    const flags = info.flags?.join(',') ?? '-';
    this.logged.push(`${info.protocol} ${info.responseCode} ${flags} ${info.responseCodeDetails}`);
  }
}
