// The override_host policy: a request names hosts in a field or in its metadata, in order of
// preference; each attempt takes the next of them that is a member, whatever its health. A fallback
// policy picks for everybody else.
import type { StreamInfo } from '../../http/stream-info.ts';
import type {
  MetadataPlace,
  OverrideHostPolicyConfig,
  OverrideHostSourceConfig,
} from '../../model/load-balancing.ts';
import type { LoadBalancerContext } from '../cluster-manager.ts';
import type { Host } from '../host.ts';
import type { HostSet } from '../host-set.ts';
import type { LoadBalancer } from './load-balancer.ts';

/** Hosts that a request named and that were not tried yet. */
interface Wishes {
  readonly addresses: readonly string[];
  next: number;
}

/** Read at the first attempt, and kept for the others, whatever cluster they go to. */
const wishesOfExchanges = new WeakMap<StreamInfo, Wishes>();

/** See the file's head. */
export class OverrideHostBalancer implements LoadBalancer {
  readonly fallback: LoadBalancer;
  readonly #hostSet: HostSet;
  readonly #config: OverrideHostPolicyConfig;

  constructor(hostSet: HostSet, config: OverrideHostPolicyConfig, fallback: LoadBalancer) {
    this.#hostSet = hostSet;
    this.#config = config;
    this.fallback = fallback;
  }

  pick(context: LoadBalancerContext): Host | null {
    const host = this.#wanted(context) ?? this.fallback.pick(context);
    const { selectedHostKey } = this.#config;
    if (host !== null && selectedHostKey !== null) {
      writeMetadata(context.info, selectedHostKey, host.address.text);
    }
    return host;
  }

  /** null: none of those that are left is a member. */
  #wanted(context: LoadBalancerContext): Host | null {
    const wishes = this.#wishesOf(context);
    while (wishes.next < wishes.addresses.length) {
      const host = this.#hostSet.byAddress(wishes.addresses[wishes.next] as string);
      wishes.next += 1;
      if (host !== null) return host;
    }
    return null;
  }

  #wishesOf(context: LoadBalancerContext): Wishes {
    const known = wishesOfExchanges.get(context.info);
    if (known !== undefined) return known;
    const addresses = this.#config.sources.flatMap((source) => namedBy(source, context));
    const wishes = { addresses, next: 0 };
    wishesOfExchanges.set(context.info, wishes);
    return wishes;
  }
}

/** `ip:port,ip:port`, of several fields the first. */
function namedBy(source: OverrideHostSourceConfig, context: LoadBalancerContext): string[] {
  const text =
    source.kind === 'header'
      ? (context.request?.headers.values(source.name)[0] ?? '')
      : readMetadata(context.info, source.place);
  return text
    .split(',')
    .map((address) => address.trim())
    .filter((address) => address !== '');
}

/** '' where there is no text. */
function readMetadata(info: StreamInfo, { namespace, path }: MetadataPlace): string {
  let value: unknown = info.dynamicMetadata?.get(namespace);
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return '';
    value = (value as Record<string, unknown>)[key];
  }
  return typeof value === 'string' ? value : '';
}

/** As Envoy merges it: the first member of the path is replaced. */
function writeMetadata(info: StreamInfo, { namespace, path }: MetadataPlace, text: string): void {
  const value = path.slice(1).reduceRight<unknown>((inner, key) => ({ [key]: inner }), text);
  info.dynamicMetadata ??= new Map();
  const written = { ...info.dynamicMetadata.get(namespace), [path[0] as string]: value };
  info.dynamicMetadata.set(namespace, written);
}
