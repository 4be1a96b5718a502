// Connecting to hosts with several addresses: which goes when, and what becomes of the others.
import t from 'tap';
import { socketAddress } from '../../../proxy/base/address.ts';
import type { HappyEyeballsConfig } from '../../../proxy/model/cluster.ts';
import type { CloseReason, ConnectionHandler } from '../../../proxy/net/connection.ts';
import { Counter } from '../../../proxy/stats/metrics.ts';
import { Host } from '../../../proxy/upstream/host.ts';
import {
  ATTEMPT_DELAY_MS,
  connectToHost,
  orderAddresses,
} from '../../../proxy/upstream/pool/happy-eyeballs.ts';
import { NO_WANTS } from '../../../proxy/upstream/transport/upstream-transport.ts';
import { clusterConfig, endpointConfig } from '../../support/cluster-config.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { FakeConnector } from '../../support/fake-connector.ts';

const ADDRESSES = ['10.0.0.1', '10.0.0.2', '::1', '::2'].map((ip) => socketAddress(ip, 80));
const DEFAULT: HappyEyeballsConfig = { firstFamily: null, firstCount: 1 };

function order(config: Partial<HappyEyeballsConfig>): string {
  return orderAddresses(ADDRESSES, { ...DEFAULT, ...config })
    .map(({ ip }) => ip)
    .join(' ');
}

t.test('families take turns, beginning as configured', (t) => {
  t.equal(order({}), '10.0.0.1 ::1 10.0.0.2 ::2');
  t.equal(order({ firstFamily: 6 }), '::1 10.0.0.1 ::2 10.0.0.2');
  t.equal(order({ firstCount: 2 }), '10.0.0.1 10.0.0.2 ::1 ::2');
  t.end();
});

class Told implements ConnectionHandler {
  readonly events: string[] = [];
  onConnected(): void {
    this.events.push('connected');
  }
  onBytes(_buffer: Buffer, length: number): void {
    this.events.push(`${length} octets`);
  }
  onEnd(): void {
    this.events.push('end');
  }
  onDrain(): void {
    this.events.push('drain');
  }
  onClose(reason: CloseReason, detail: string): void {
    this.events.push(`${reason} ${detail}`.trim());
  }
}

function race() {
  const clock = new FakeClock();
  const connector = new FakeConnector();
  const [first, ...moreAddresses] = ADDRESSES;
  if (first === undefined) throw new Error('no address');
  const endpoint = endpointConfig({ moreAddresses });
  const host = new Host(first, endpoint, { name: 'c', observabilityName: 'c' });
  const told = new Told();
  const stats = { cxTotal: new Counter('upstream_cx_total') };
  const context = { connector, clock, timers: clock.timers };
  const resources = { config: clusterConfig(), context, stats, transports: { of: () => null } };
  const connection = connectToHost({ host, resources, wants: NO_WANTS }, told);
  const tried = () => connector.connections.map(({ remoteAddress }) => remoteAddress.ip).join(' ');
  return { clock, connector, told, connection, tried, stats };
}

t.test('the next address is tried after a delay, and the first to connect is used', (t) => {
  const { clock, connector, told, connection, tried } = race();
  clock.advance(ATTEMPT_DELAY_MS - 10);
  t.equal(tried(), '10.0.0.1');
  clock.advance(20);
  t.equal(tried(), '10.0.0.1 ::1');
  const [slow, quick] = connector.connections;
  quick?.accept();
  t.same(told.events, ['connected']);
  t.ok(slow?.isClosed);
  t.equal(connection.remoteAddress.ip, '::1');
  connection.writeText('hello');
  t.equal(quick?.written, 'hello');
  quick?.receive('hi');
  t.same(told.events, ['connected', '2 octets']);
  clock.advance(10_000);
  t.equal(tried(), '10.0.0.1 ::1');
  connection.close('now');
  t.ok(quick?.isClosed);
  t.end();
});

t.test('an address that refuses makes room for the next at once; the last one says why', (t) => {
  const { connector, told, tried, stats } = race();
  connector.connections[0]?.refuse();
  connector.connections[1]?.refuse('No route to host');
  t.equal(tried(), '10.0.0.1 ::1 10.0.0.2');
  connector.connections[2]?.refuse();
  t.same(told.events, []);
  connector.connections[3]?.refuse('Network is unreachable');
  t.same(told.events, ['connect-failed Network is unreachable']);
  t.equal(stats.cxTotal.value, 3, 'the pool counts the first one itself');
  t.end();
});

t.test('who gives up ends every attempt', (t) => {
  const { clock, connector, told, connection } = race();
  clock.advance(ATTEMPT_DELAY_MS + 10);
  connection.close('now');
  t.ok(connector.connections.every(({ isClosed }) => isClosed));
  t.same(told.events, ['local-close']);
  clock.advance(10_000);
  t.equal(connector.connections.length, 2);
  t.end();
});
