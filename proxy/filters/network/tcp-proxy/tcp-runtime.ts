// What all sessions of one TCP proxy share: everything that can be made once is made here, when its
// filter chain is built.
import { randomBelow } from '../../../base/random.ts';
import type { AccessLog } from '../../../formatter/access-log.ts';
import type { FormatContext } from '../../../formatter/formatter.ts';
import { HeaderList } from '../../../http/header-list.ts';
import { RequestHead } from '../../../http/message.ts';
import type { TcpClusterConfig, TcpProxyConfig } from '../../../model/tcp-proxy.ts';
import type { Connection } from '../../../net/connection.ts';
import { HeaderMutator } from '../../../routing/header-mutator.ts';
import type { WorkerServices } from '../../network-filter.ts';
import { TcpStats } from './tcp-stats.ts';

const NO_FIELDS: ReadonlySet<string> = new Set();

/** Immutable but for its counters. */
export class TcpRuntime {
  readonly config: TcpProxyConfig;
  readonly services: WorkerServices;
  readonly stats: TcpStats;
  /** Those that are open. */
  readonly connections = new Set<Connection>();
  readonly #accessLogs: readonly AccessLog[];
  /** Fields of a tunnel's request; null without tunneling_config. */
  readonly #headers: HeaderMutator | null;

  constructor(config: TcpProxyConfig, services: WorkerServices) {
    this.config = config;
    this.services = services;
    this.stats = new TcpStats(services.stats.scope(`tcp.${config.statPrefix}`));
    this.#accessLogs = config.accessLogs.map((log) => services.openAccessLog(log));
    const { tunneling } = config;
    this.#headers = tunneling === null ? null : new HeaderMutator(tunneling.headers, NO_FIELDS);
  }

  /** The cluster of a new session, by weight; null: there is none. */
  drawCluster(): TcpClusterConfig | null {
    const { clusters, totalWeight } = this.config;
    const only = clusters[0];
    if (only === undefined || clusters.length === 1) return only ?? null;
    let left = randomBelow(this.services.random, totalWeight);
    const drawn = clusters.find(({ weight }) => {
      left -= weight;
      return left < 0;
    });
    return drawn ?? only;
  }

  /** What is asked of the upstream: of plain TCP nothing but to be there. */
  makeHead(context: FormatContext): RequestHead {
    const { tunneling } = this.config;
    const headers = HeaderList.empty();
    if (tunneling === null) {
      return new RequestHead(
        'HTTP/1.1',
        'CONNECT',
        { path: '', authority: '', scheme: '' },
        headers,
      );
    }
    const { hostname, usesPost, postPath } = tunneling;
    const target = {
      path: usesPost ? postPath : '',
      authority: hostname.format(context),
      scheme: usesPost ? 'http' : '',
    };
    const head = new RequestHead('HTTP/1.1', usesPost ? 'POST' : 'CONNECT', target, headers);
    this.#headers?.apply(headers, context);
    return head;
  }

  /** Writes lines about a session as it is now. */
  log(context: FormatContext): void {
    for (const log of this.#accessLogs) log.write(context);
  }

  /** Brings those gauges up to date that are not kept as things happen. */
  refreshGauges(): void {
    let buffered = 0;
    for (const connection of this.connections) buffered += connection.bufferedBytes;
    this.stats.cxTxBytesBuffered.set(buffered);
  }
}
