import t, { type Test } from 'tap';
import {
  type CandidateConnection,
  DONE,
  type ListenerFilter,
  type ListenerFilterStatus,
  REFUSE,
  WAIT,
} from '../../proxy/filters/listener-filter.ts';
import {
  ADMIT,
  type ConnectionGate,
  DENY,
  type DownstreamConnection,
  type GatedConnection,
  type GateStatus,
  HOLD,
  type WorkerServices,
} from '../../proxy/filters/network-filter.ts';
import type { DownstreamConnectionInfo } from '../../proxy/http/stream-info.ts';
import { Candidate, type CandidateOwner } from '../../proxy/listener/candidate.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { type FakeConnection, FakeConnector } from '../support/fake-connector.ts';

const NOTHING = (): void => undefined;
const INFO = {} as DownstreamConnectionInfo;

/** Writes down what the connection does, in one list for everybody who hears of it. */
class Probe implements DownstreamConnection {
  readonly log: string[];
  readonly onConnected = NOTHING;
  readonly onDrain = NOTHING;
  readonly drain = NOTHING;
  readonly closeIfIdle = NOTHING;

  constructor(log: string[]) {
    this.log = log;
  }

  onBytes(buffer: Buffer, length: number): void {
    this.log.push(`bytes ${buffer.toString('latin1', 0, length)}`);
  }

  onEnd(): void {
    this.log.push('end');
  }

  onClose(reason: string): void {
    this.log.push(`close ${reason}`);
  }
}

/** A filter that answers in turn. */
function filter(log: string[], ...answers: ListenerFilterStatus[]): ListenerFilter {
  return {
    inspect: (candidate: CandidateConnection, bytes: Buffer, length: number) => {
      log.push(`look ${bytes.toString('latin1', 0, length)}`);
      if (bytes.toString('latin1').startsWith('PROXY ')) candidate.consumedBytes = 6;
      return answers.shift() ?? DONE;
    },
  };
}

interface Rig {
  readonly log: string[];
  readonly candidate: Candidate;
  readonly connection: FakeConnection;
  readonly clock: FakeClock;
}

interface RigOptions {
  readonly filters?: (log: string[]) => readonly ListenerFilter[];
  readonly gates?: readonly ConnectionGate[];
  readonly timeoutMs?: number;
  readonly closesOnTimeout?: boolean;
}

/** A candidate in the care of an owner that goes straight on to the gates. */
function rig(options: RigOptions = {}): Rig {
  const log: string[] = [];
  const clock = new FakeClock();
  const owner: CandidateOwner = {
    services: { clock, timers: clock.timers } as unknown as WorkerServices,
    filtersTimeoutMs: options.timeoutMs ?? 0,
    makeFilters: () => options.filters?.(log) ?? [],
    onInspected: (inspected) => {
      log.push(`inspected ${inspected.transportProtocol}`);
      inspected.passGates(INFO, options.gates ?? [], () => {
        log.push('admitted');
        inspected.deliver(new Probe(log));
      });
    },
    onFiltersTimeout: () => {
      log.push('timeout');
      return options.closesOnTimeout ?? true;
    },
    onRefused: () => log.push('refused'),
    onLost: () => log.push('lost'),
    onHandshakeTimeout: () => log.push('handshake timeout'),
    onHandshakeFailed: ({ transportFailure }) => log.push(`failed: ${transportFailure}`),
  };
  const connector = new FakeConnector();
  const target = { ip: '127.0.0.1', port: 1, text: '127.0.0.1:1' };
  const connect = { bufferLimitBytes: 1, keepalive: null, bindAddress: null };
  connector.connect(target, connect, new Probe(log));
  const connection = connector.last();
  connection.accept();
  const start = (): void => {
    log.push('start');
  };
  const candidate = new Candidate({ connection, fileDescriptor: 7, start }, owner);
  candidate.inspectFor(owner);
  return { log, candidate, connection, clock };
}

/** A gate whose answer is given, and the connection it holds. */
class Gate implements ConnectionGate {
  gated: GatedConnection | null = null;
  closed = 0;
  readonly #status: GateStatus;

  constructor(status: GateStatus) {
    this.#status = status;
  }

  onConnection(gated: GatedConnection): GateStatus {
    this.gated = gated;
    return this.#status;
  }

  onClose(): void {
    this.closed += 1;
  }
}

t.test('with nobody to look, the terminal filter has the connection at once', async (t) => {
  const { log, connection } = rig();
  t.same(log, ['inspected raw_buffer', 'admitted', 'start']);
  connection.receive('hello');
  t.equal(log.at(-1), 'bytes hello');
});

t.test('a filter sees all that came, again and again, and the next one as well', async (t) => {
  const { log, connection } = rig({
    filters: (all) => [filter(all, WAIT, WAIT, DONE), filter(all, DONE)],
  });
  connection.receive('ab');
  connection.receive('cd');
  t.same(log, [
    ...['look ', 'start', 'look ab', 'look abcd', 'look abcd', 'inspected raw_buffer'],
    ...['admitted', 'bytes abcd'],
  ]);
});

t.test('what a filter takes for itself nobody behind it sees', async (t) => {
  const { log, connection } = rig({ filters: (all) => [filter(all, WAIT, DONE), filter(all)] });
  connection.receive('PROXY GET');
  t.same(log.slice(2), [
    'look PROXY GET',
    'look GET',
    'inspected raw_buffer',
    'admitted',
    'bytes GET',
  ]);
});

t.test('a filter refuses', async (t) => {
  const { log, connection } = rig({ filters: (all) => [filter(all, WAIT, REFUSE), filter(all)] });
  connection.receive('x');
  t.same(log.slice(2), ['look x', 'refused']);
  t.equal(connection.closeMode, 'reset', 'what was sent is lost, and the peer learns of it');
});

t.test('who sent no more than what a filter took for itself is not reset', async (t) => {
  const { connection } = rig({ filters: (all) => [filter(all, WAIT, REFUSE)] });
  connection.receive('PROXY ');
  t.equal(connection.closeMode, 'now');
});

t.test('bytes that nobody decides about are bounded', async (t) => {
  const gate = new Gate(HOLD);
  const { connection } = rig({ gates: [gate] });
  connection.receive('x'.repeat(132 * 1024 - 1));
  t.notOk(connection.isPaused);
  connection.receive('y');
  t.ok(connection.isPaused);
  gate.gated?.resume();
  t.notOk(connection.isPaused);
});

for (const [closesOnTimeout, title, expected] of [
  [true, 'closes the connection', 'refused'],
  [false, 'goes on with what is known', 'inspected raw_buffer'],
] as const) {
  t.test(`a filter that waits too long: ${title}`, async (t) => {
    const { log, clock } = rig({
      filters: (all) => [filter(all, WAIT)],
      ...{ timeoutMs: 1000, closesOnTimeout },
    });
    clock.advance(992);
    t.notOk(log.includes('timeout'));
    clock.advance(24);
    t.same(log.slice(2, 4), ['timeout', expected]);
    t.equal(clock.timers.armedCount, 0);
  });
}

t.test('no time-out when there is none, and none for gates', async (t) => {
  const filtersWait = rig({ filters: (all) => [filter(all, WAIT)] });
  t.equal(filtersWait.clock.timers.armedCount, 0);
  const gatesWait = rig({
    filters: (all) => [filter(all, WAIT, DONE)],
    ...{ gates: [new Gate(HOLD)], timeoutMs: 1000 },
  });
  t.equal(gatesWait.clock.timers.armedCount, 1);
  gatesWait.connection.receive('x');
  t.equal(gatesWait.clock.timers.armedCount, 0);
});

t.test('the end of a connection while a filter waits', async (t) => {
  const ended = rig({ filters: (all) => [filter(all, WAIT)], timeoutMs: 1000 });
  ended.connection.receiveEnd();
  t.same(ended.log.slice(2), ['lost']);
  t.equal(ended.connection.closeMode, 'now');
  ended.candidate.onClose('peer-closed', '');
  t.same(ended.log.slice(2), ['lost'], 'counted once');
  const reset = rig({ filters: (all) => [filter(all, WAIT)], timeoutMs: 1000 });
  reset.connection.end('peer-reset');
  t.same(reset.log.slice(2), ['lost']);
  t.equal(reset.clock.timers.armedCount, 0);
});

t.test('gates are asked in order; what came meanwhile is replayed, its end too', async (t) => {
  const first = new Gate(ADMIT);
  const second = new Gate(HOLD);
  const third = new Gate(HOLD);
  const { log, connection } = rig({ gates: [first, second, third] });
  t.equal(third.gated, null);
  connection.receive('he');
  second.gated?.resume();
  connection.receive('llo');
  connection.receiveEnd();
  t.notOk(log.includes('admitted'));
  third.gated?.resume();
  t.same(log.slice(1), ['start', 'admitted', 'bytes hello', 'end']);
});

t.test('a gate denies, at once or later', async (t) => {
  const atOnce = rig({ gates: [new Gate(DENY), new Gate(HOLD)] });
  t.same(atOnce.log, ['inspected raw_buffer', 'refused']);
  t.equal(atOnce.connection.closeMode, 'now');
  const gate = new Gate(HOLD);
  const later = rig({ gates: [gate] });
  gate.gated?.refuse();
  t.equal(later.log.at(-1), 'refused');
  t.equal(later.connection.closeMode, 'now');
});

t.test('a gate that decides too late changes nothing', async (t: Test) => {
  const gate = new Gate(HOLD);
  const refused = rig({ gates: [gate] });
  gate.gated?.refuse();
  gate.gated?.refuse();
  gate.gated?.resume();
  t.equal(refused.log.filter((line) => line === 'refused').length, 1);
  t.notOk(refused.log.includes('admitted'));
  const other = new Gate(HOLD);
  const gone = rig({ gates: [other] });
  gone.connection.end('peer-closed');
  other.gated?.resume();
  t.notOk(gone.log.includes('admitted'));
  t.notOk(gone.log.includes('lost'), 'no listener filter waited');
});

t.test('gates that were asked are told of the end, the others are not', async (t) => {
  const gates = [new Gate(ADMIT), new Gate(HOLD), new Gate(ADMIT)];
  const { candidate } = rig({ gates });
  candidate.closeGates();
  t.same(
    gates.map(({ closed }) => closed),
    [1, 1, 0],
  );
});
