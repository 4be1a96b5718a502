// The board of clients, as lines.
import t from 'tap';
import { ClientBoard } from '../../../proxy/cli/xds/client-board.ts';
import type { Client } from '../../../proxy/discovery-server/client.ts';
import type { Push } from '../../../proxy/discovery-server/subscription.ts';
import { TYPE_URLS } from '../../../proxy/xds/resource-types.ts';

const WIDTH = 100;

class Rig {
  nowMs = 0;
  readonly board = new ClientBoard(() => this.nowMs);

  client(stream: number, id: string): Client {
    const node = id === '' ? null : ({ id } as Client['node']);
    return { stream, peer: 'p', isIncremental: stream % 2 === 0, typeUrl: '', node };
  }

  /** Opens a stream that asks for something. */
  open(stream: number, id: string, names: readonly string[] = []): Client {
    const client = this.client(stream, id);
    this.board.onOpen(this.client(stream, ''));
    const interest = { isWildcard: names.length === 0, names: new Set(names) };
    this.board.onInterest(client, { typeUrl: TYPE_URLS.cluster, ...interest });
    return client;
  }

  push(client: Client, nonce: string, version: string, isHeartbeat = false): Push {
    const about = {
      typeUrl: TYPE_URLS.cluster,
      nonce,
      version,
      count: 1,
      removed: [],
      isHeartbeat,
    };
    this.board.onPush(client, about);
    return about;
  }

  rows(height = 20): readonly string[] {
    const lines = this.board.frame(WIDTH, height);
    return lines.slice(
      2,
      lines.findIndex((line) => line.startsWith('---')),
    );
  }

  /** The line of the only type. */
  row(): string {
    return (this.rows()[0] ?? '').replace(/ {2,}/g, ' | ');
  }
}

t.test('tells what was asked, sent, and what became of it', async (t) => {
  const rig = new Rig();
  t.same(rig.rows(), []);
  const client = rig.open(1, 'edge');
  t.equal(rig.row(), 'edge | ADS sotw | CDS | all | nothing to send');
  const [first, second] = [rig.push(client, 'a', 'v1'), rig.push(client, 'b', 'v2')];
  rig.nowMs = 3500;
  t.equal(rig.row(), 'edge | ADS sotw | CDS | all | v2 | 2 unanswered for 3 s');
  rig.board.onAnswer(client, first, 'no good');
  t.match(rig.row(), /v2 \| 1 unanswered for 0 s, before: NACK: no good/);
  rig.board.onAnswer(client, second, '');
  t.equal(rig.row(), 'edge | ADS sotw | CDS | all | v2 | ACK');
  rig.board.onAnswer(client, rig.push(client, 'c', 'v2', true), '');
  t.equal(rig.row(), 'edge | ADS sotw | CDS | all | v2 | ACK', 'heartbeats are nothing new');
  rig.board.onEnd(client);
  t.same(rig.rows(), []);
});

t.test('what is refused is red, and words of peers do not steer the terminal', async (t) => {
  const rig = new Rig();
  const client = rig.open(2, '\u001b[2Jx', ['one', 'two']);
  rig.board.onAnswer(client, rig.push(client, 'a', 'v1'), 'bad \u001b[31m');
  const [row = ''] = rig.rows();
  t.ok(row.startsWith('\u001b[31m') && row.endsWith('\u001b[0m'));
  t.match(row, /^.....\?\[2Jx +ADS delta +CDS +2 names +v1 +NACK: bad \\x1b\[31m.\[0m$/);
});

t.test('fits any terminal, and keys scroll it', async (t) => {
  const rig = new Rig();
  rig.board.add('serving 3 resources on 127.0.0.1:1');
  for (let index = 0; index < 40; index += 1) rig.open(index, `node-${index}`);
  for (let index = 0; index < 600; index += 1) rig.board.add(`event ${index}\n`);
  for (const [width, height] of [
    [WIDTH, 24],
    [WIDTH, 100],
    [20, 5],
    [1, 1],
  ] as const) {
    const lines = rig.board.frame(width, height);
    t.ok(lines.length <= height, `${width} x ${height}`);
    t.ok(lines.every((line) => line.length <= width));
  }
  const lines = rig.board.frame(WIDTH, 24);
  t.equal(lines[0], 'serving 3 resources on 127.0.0.1:1');
  t.equal(lines.at(-1), 'event 599');
  t.match(rig.rows(24)[0], /^node-0 /);
  t.equal(rig.board.onKey('j'), false);
  t.match(rig.rows(24)[0], /^node-1 /);
  t.ok(lines.some((line) => /^--- \d+ more lines: j and k scroll/.test(line)));
  t.equal(rig.board.onKey('q'), true);
});
