// Which listener a client that asks for a URL would reach, as far as the URL tells: names resolve
// to addresses that nobody knows here, so the port decides where the host is no address.
import { type SocketAddress, socketAddress } from '../base/address.ts';
import { ipVersion } from '../base/ip-address.ts';
import { ListenersByAddress } from '../listener/listeners-by-address.ts';
import type { ListenerConfig } from '../model/listener.ts';
import type { Explained } from './configuration.ts';
import type { DryRequest } from './dry-request.ts';

/** The listener, why it is the one, and who else could be. */
export interface ListenerChoice {
  readonly listener: Explained<ListenerConfig> | null;
  /** Where the connection arrives. */
  readonly localAddress: SocketAddress;
  readonly reason: string;
  /** Others that the URL may mean, by name. */
  readonly others: readonly string[];
}

const NOWHERE = socketAddress('0.0.0.0', 0);
const LOOPBACK = '127.0.0.1';
const CAPTURED = 'captured connections come to it, and no other listener has the port';

/** Chooses by `request.listener` where it is given, else by address and port. */
export function chooseListener(
  listeners: readonly Explained<ListenerConfig>[],
  request: DryRequest,
): ListenerChoice {
  if (request.listener !== '') return byName(listeners, request);
  const addressed = ipVersion(request.host) === 0 ? null : byAddress(listeners, request);
  return addressed ?? byPort(listeners, request);
}

function byName(
  listeners: readonly Explained<ListenerConfig>[],
  request: DryRequest,
): ListenerChoice {
  const listener = listeners.find(({ config }) => config.name === request.listener) ?? null;
  if (listener !== null) return chosen(listener, request, 'asked for by its name', []);
  return nobody(`there is no listener '${request.listener}'`, listeners);
}

/** As use_original_dst finds them: the address itself, else its port on any address. */
function byAddress(
  listeners: readonly Explained<ListenerConfig>[],
  request: DryRequest,
): ListenerChoice | null {
  const { host, port } = request;
  const listener = new ListenersByAddress(listeners).find(socketAddress(host, port));
  if (listener === null) return null;
  const at = addressFor(listener.config, request);
  return chosen(listener, request, `it listens on ${at?.text ?? `port ${port}`}`, []);
}

function byPort(
  listeners: readonly Explained<ListenerConfig>[],
  request: DryRequest,
): ListenerChoice {
  const { port } = request;
  const [listener, ...others] = listeners.filter(({ config }) => addressFor(config, request));
  if (listener !== undefined) {
    const names = others.map(({ config }) => config.name);
    return chosen(listener, request, `it listens on port ${port}`, names);
  }
  const [catcher, ...further] = listeners.filter(({ config }) => config.useOriginalDst);
  if (catcher !== undefined) {
    const names = further.map(({ config }) => config.name);
    const captured = chosen(catcher, request, CAPTURED, names);
    const ip = ipVersion(request.host) === 0 ? LOOPBACK : request.host;
    return { ...captured, localAddress: socketAddress(ip, port) };
  }
  const [only, ...more] = listeners;
  if (only !== undefined && more.length === 0) {
    return chosen(only, request, `no other listener is there; the URL's port is ${port}`, []);
  }
  return nobody(`no listener has port ${port}`, listeners);
}

function chosen(
  listener: Explained<ListenerConfig>,
  request: DryRequest,
  reason: string,
  others: readonly string[],
): ListenerChoice {
  const own = addressFor(listener.config, request) ?? listener.config.addresses[0] ?? NOWHERE;
  return { listener, localAddress: arrival(own, request), reason, others };
}

function nobody(reason: string, listeners: readonly Explained<ListenerConfig>[]): ListenerChoice {
  const others = listeners.map(({ config }) => config.name);
  return { listener: null, localAddress: NOWHERE, reason, others };
}

function addressFor(
  { addresses }: ListenerConfig,
  { port }: DryRequest,
): SocketAddress | undefined {
  return addresses.find((address) => address.port === port);
}

/** A listener on every address is reached at the one that the client asked for. */
function arrival(own: SocketAddress, { host, port }: DryRequest): SocketAddress {
  if (own.ip !== '0.0.0.0' && own.ip !== '::') return own;
  return socketAddress(ipVersion(host) === 0 ? LOOPBACK : host, own.port === 0 ? port : own.port);
}
