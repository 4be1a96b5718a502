import t from 'tap';
import {
  ADMIT,
  type ConnectionGate,
  type DataStatus,
  DENY,
  type DownstreamConnection,
  type GuardedConnection,
  HOLD,
  PASS,
} from '../../proxy/filters/network-filter.ts';
import type { StreamInfo } from '../../proxy/http/stream-info.ts';
import { guarded } from '../../proxy/listener/guarded-handler.ts';
import type { Connection, ConnectionHandler } from '../../proxy/net/connection.ts';
import { exchange, requestHead } from '../support/route-fixtures.ts';

/** A connection with gates that answer in turn; everybody writes into one list. */
class Rig {
  readonly log: string[] = [];
  readonly handler: ConnectionHandler;
  readonly owner;
  guard: GuardedConnection | null = null;

  constructor(...gates: readonly (readonly DataStatus[])[]) {
    const { downstream } = exchange(requestHead()).info;
    const connection = {
      close: (mode: string) => this.log.push(`close ${mode}`),
      pauseReading: () => this.log.push('pause'),
      setHandler: (handler: unknown) => this.log.push(handler === filter ? 'direct' : 'other'),
    } as unknown as Connection;
    const filter = {
      staysHalfOpen: true,
      onBytes: (buffer: Buffer, length: number) =>
        this.log.push(`bytes ${buffer.toString('latin1', 0, length)}`),
      onEnd: () => this.log.push('end'),
      onDrain: () => this.log.push('drain'),
      onConnected: () => this.log.push('connected'),
      onClose: (reason: string) => this.log.push(`closed ${reason}`),
    } as unknown as DownstreamConnection;
    this.owner = {
      connection,
      info: downstream,
      startMs: 1,
      startWallMs: 2,
      notes: null as StreamInfo | null,
    };
    this.handler = guarded(
      this.owner,
      filter,
      gates.map((answers, index) => this.#gate(`gate ${index}`, [...answers])),
    );
  }

  send(text: string): void {
    this.handler.onBytes(Buffer.from(text), text.length);
  }

  #gate(name: string, answers: DataStatus[]): ConnectionGate {
    const onConnection = (): typeof ADMIT => ADMIT;
    if (answers.length === 0) return { onConnection };
    const onData = (connection: GuardedConnection): DataStatus => {
      this.guard = connection;
      this.log.push(name);
      return answers.shift() ?? DENY;
    };
    return { onConnection, onData };
  }
}

t.test('without gates that look after octets nobody is in between', async (t) => {
  const rig = new Rig([], []);
  rig.send('a');
  t.same(rig.log, ['bytes a']);
  t.equal(rig.owner.notes, null);
});

t.test('steps aside when no gate wants to be asked again', async (t) => {
  const rig = new Rig([ADMIT], [PASS, ADMIT]);
  rig.send('a');
  rig.send('b');
  t.same(rig.log, ['gate 0', 'gate 1', 'bytes a', 'gate 1', 'direct', 'bytes b']);
});

t.test('the end of what a client sends is decided on like octets', async (t) => {
  const rig = new Rig([ADMIT]);
  rig.handler.onEnd();
  t.same(rig.log, ['gate 0', 'direct', 'end']);
  const denied = new Rig([DENY]);
  denied.handler.onEnd();
  t.same(denied.log, ['gate 0', 'close now']);
});

t.test('nothing gets through behind a denial, and later gates are not asked', async (t) => {
  const rig = new Rig([DENY], [ADMIT]);
  rig.send('abc');
  rig.send('d');
  rig.handler.onEnd();
  rig.handler.onDrain();
  rig.handler.onClose('local-close', '');
  t.same(rig.log, ['gate 0', 'close now', 'drain', 'closed local-close']);
  t.equal(rig.owner.notes?.bytesReceived, 4);
});

t.test('who is kept waiting sends nothing on until it is over', async (t) => {
  const rig = new Rig([HOLD]);
  rig.send('a');
  rig.send('b');
  rig.guard?.end();
  rig.send('c');
  t.same(rig.log, ['gate 0', 'pause', 'close now']);
});

t.test('the terminal filter has the account if it keeps one', async (t) => {
  const { info } = exchange(requestHead());
  let ends = 0;
  const owner = {
    ...{ connection: { setHandler: () => undefined } as unknown as Connection },
    ...{ info: info.downstream, startMs: 0, startWallMs: 0, notes: null },
  };
  const onEnd = () => {
    ends += 1;
  };
  const filter = { onBytes: () => undefined, onEnd, accountOf: () => info };
  let account: StreamInfo | null = null;
  const gate: ConnectionGate = {
    onConnection: () => ADMIT,
    onData: (connection) => {
      account = connection.account;
      return ADMIT;
    },
  };
  const handler = guarded(owner, filter as unknown as DownstreamConnection, [gate]);
  handler.onEnd();
  t.equal(ends, 1, 'an end that ends all is nobody to decide on');
  t.equal(account, null);
  handler.onBytes(Buffer.from('a'), 1);
  t.equal(account, info);
  t.equal(owner.notes, null);
});
