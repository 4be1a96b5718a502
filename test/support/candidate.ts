// A connection in front of its filter chain, as listener filters see it, without a network.
import { inspect } from 'node:util';
import { socketAddress } from '../../proxy/base/address.ts';
import { SILENT_LOG } from '../../proxy/base/log.ts';
import {
  type CandidateConnection,
  type ListenerFilter,
  type ListenerFilterDefinition,
  type ListenerFilterStatus,
  WAIT,
} from '../../proxy/filters/listener-filter.ts';
import type { WorkerServices } from '../../proxy/filters/network-filter.ts';
import { StatsStore } from '../../proxy/stats/store.ts';

/** 10.0.0.1:50000 to 127.0.0.1:80, nothing known. */
export function candidateConnection(): CandidateConnection {
  const local = socketAddress('127.0.0.1', 80);
  const remote = socketAddress('10.0.0.1', 50_000);
  return {
    fileDescriptor: -1,
    directLocalAddress: local,
    directRemoteAddress: remote,
    localAddress: local,
    remoteAddress: remote,
    isLocalAddressRestored: false,
    transportProtocol: '',
    serverName: '',
    applicationProtocols: [],
    consumedBytes: 0,
    transportFailure: '',
    dynamicMetadata: null,
    upstreamSource: null,
  };
}

/** Places at which a connection's octets are cut in two. */
const MAX_CUTS = 200;

/** What a filter made of a connection. */
export interface Inspection {
  readonly status: ListenerFilterStatus;
  readonly candidate: CandidateConnection;
}

/** A listener filter with statistics of its own. */
export class ListenerFilterRig {
  readonly stats = new StatsStore(null);
  /** Makes the filter of another connection. */
  readonly create: () => ListenerFilter;

  constructor(definition: unknown, config: unknown = {}) {
    const services = { stats: this.stats, log: SILENT_LOG.logger('') } as unknown as WorkerServices;
    const { factory } = definition as ListenerFilterDefinition;
    const made = factory(config, services, this.stats.scope('listener.l'));
    this.create = () => made.create();
  }

  /** Shows a connection's octets up to each of `cuts`, then all, until the filter decides. */
  inspect(bytes: Buffer, cuts: readonly number[] = []): Inspection {
    const candidate = candidateConnection();
    const filter = this.create();
    let status: ListenerFilterStatus = WAIT;
    for (const end of [0, ...cuts, bytes.length]) {
      // A copy: octets are the filter's during the call only.
      if (status === WAIT) status = filter.inspect(candidate, Buffer.from(bytes), end);
    }
    return { status, candidate };
  }

  /** The different ends that it comes to at once, octet by octet, and cut in two anywhere. */
  inspectAllWays(bytes: Buffer): readonly Inspection[] {
    const each = Array.from(bytes, (_, index) => index);
    const cuts = [[], each, ...each.slice(0, MAX_CUTS).map((cut) => [cut])];
    const ends = cuts.map((at) => this.inspect(bytes, at));
    return [...new Map(ends.map((end) => [inspect(end, { depth: 5 }), end])).values()];
  }

  counter(name: string): number {
    return this.stats.counter(name).value;
  }
}
