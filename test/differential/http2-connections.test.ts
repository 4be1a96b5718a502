// HTTP/2 connections of clients: the first frames, what ends a connection and what it is told then,
// limits, keep-alive, going away.
import t from 'tap';
import { eventually } from '../support/eventually.ts';
import {
  dataFrame,
  FLAG,
  frame,
  headersFrame,
  PREFACE,
  pingFrame,
  resetFrame,
  settingsFrame,
  TYPE,
  windowFrame,
} from '../support/h2-frames.ts';
import { encodeFields, type Field } from '../support/h2-hpack.ts';
import { type H2Peer, type H2PeerOptions, h2Connect, statusOf } from '../support/h2-peer.ts';
import { type Json, overHttp2, type TwinListener } from '../support/twin-bootstrap.ts';
import { withoutEnvoy } from '../support/with-envoy.ts';
import { type Twin, type Twins, withTwins } from '../support/with-twins.ts';

const SETTLE_MS = 2_000;

function get(path = '/direct'): readonly Field[] {
  return [
    [':method', 'GET'],
    [':scheme', 'http'],
    [':authority', 'a.test'],
    [':path', path],
  ];
}

interface Visit {
  readonly title: string;
  readonly listener?: string;
  readonly options?: H2PeerOptions;
  run(peer: H2Peer): Promise<void>;
}

/** What the peer saw, without what says when. */
async function visited(twin: Twin, visit: Visit): Promise<readonly string[]> {
  const port = twin.ports[visit.listener ?? 'main'] ?? 0;
  const peer = await h2Connect(`127.0.0.1:${port}`, visit.options);
  try {
    if (visit.options?.settings !== null) await peer.until(() => peer.settingsAcks > 0);
    await visit.run(peer);
    const end = peer.end === null ? 'open' : 'closed';
    const lines = peer.transcript.map((line) => twin.mask(line).replace(/date: [^\]]*GMT/, 'date'));
    return [...lines, end];
  } finally {
    peer.close();
  }
}

async function ask(peer: H2Peer, path?: string): Promise<string | null> {
  return statusOf(await peer.done(peer.request(get(path))));
}

const ended = (peer: H2Peer) => peer.until(() => peer.end !== null, SETTLE_MS);

/** The same on both: every frame, in order. */
const SAME: readonly Visit[] = [
  {
    title: 'the first frames',
    run: async (peer) => {
      await ask(peer);
    },
  },
  {
    title: 'SETTINGS as configured',
    listener: 'small',
    run: async (peer) => {
      await ask(peer);
    },
  },
  {
    title: 'SETTINGS of extended CONNECT',
    listener: 'connect',
    run: async (peer) => {
      await ask(peer);
    },
  },
  {
    title: 'a PING',
    run: async (peer) => {
      await ask(peer);
      await peer.roundTrip();
    },
  },
  {
    title: 'keep-alive PINGs that are answered',
    listener: 'alive',
    run: async (peer) => {
      const pings = () => peer.transcript.filter((line) => line === 'PING').length;
      await peer.until(() => pings() >= 2);
    },
  },
  {
    title: 'a keep-alive PING that is not answered',
    listener: 'alive',
    options: { acknowledges: false },
    run: ended,
  },
  { title: 'an idle connection', listener: 'idle', run: ended },
  {
    title: 'an idle connection that was used',
    listener: 'idle',
    run: async (peer) => {
      await ask(peer);
      await ended(peer);
    },
  },
  { title: 'a connection that lives too long', listener: 'old', run: ended },
  {
    title: 'as many requests as a connection may have',
    listener: 'two',
    run: async (peer) => {
      await ask(peer);
      await ask(peer);
      await ended(peer);
    },
  },
];

/** A frame behind one exchange on stream 1, in which the connection is lost. */
const ERRORS: Readonly<Record<string, readonly Buffer[]>> = {
  'DATA on stream 0': [frame(TYPE.DATA, 0, 0, Buffer.from('x'))],
  'DATA on an idle stream': [dataFrame(9, 'x')],
  'HEADERS on an even stream': [headersFrame(2, get(), 5)],
  'HEADERS on stream 0': [headersFrame(0, get(), 5)],
  'PRIORITY of a wrong length': [frame(TYPE.PRIORITY, 0, 3, Buffer.alloc(4))],
  'RST_STREAM on an idle stream': [resetFrame(9, 'CANCEL')],
  'RST_STREAM on stream 0': [resetFrame(0, 'CANCEL')],
  'RST_STREAM of a wrong length': [frame(TYPE.RST_STREAM, 0, 1, Buffer.alloc(3))],
  'SETTINGS on a stream': [frame(TYPE.SETTINGS, 0, 1)],
  'SETTINGS of a wrong length': [frame(TYPE.SETTINGS, 0, 0, Buffer.alloc(1))],
  'an acknowledgement with settings': [frame(TYPE.SETTINGS, FLAG.ACK, 0, Buffer.alloc(6))],
  'ENABLE_PUSH 2': [settingsFrame([[2, 2]])],
  'a window of 2^31': [settingsFrame([[4, 0x80000000]])],
  'a frame size of 1': [settingsFrame([[5, 1]])],
  'PING of a wrong length': [frame(TYPE.PING, 0, 0, Buffer.alloc(7))],
  'PING on a stream': [frame(TYPE.PING, 0, 1, Buffer.alloc(8))],
  'GOAWAY on a stream': [frame(TYPE.GOAWAY, 0, 1, Buffer.alloc(8))],
  'WINDOW_UPDATE of 0': [windowFrame(0, 0)],
  'a connection window above 2^31': [windowFrame(0, 0x7fffffff)],
  'WINDOW_UPDATE on an idle stream': [windowFrame(9, 1)],
  PUSH_PROMISE: [
    frame(
      TYPE.PUSH_PROMISE,
      FLAG.END_HEADERS,
      1,
      Buffer.concat([Buffer.of(0, 0, 0, 2), encodeFields(get())]),
    ),
  ],
  'CONTINUATION alone': [frame(TYPE.CONTINUATION, FLAG.END_HEADERS, 3, encodeFields(get()))],
  'a frame inside a field block': [
    frame(TYPE.HEADERS, FLAG.END_STREAM, 3, encodeFields(get())),
    pingFrame(),
  ],
  'a frame that is too large': [frame(TYPE.DATA, 0, 3, Buffer.alloc(16_385))],
  'a broken field block': [headersFrame(3, Buffer.of(0xff, 0x7f), 5)],
};

/** What is no error, and leaves the connection open. */
const IGNORED: Readonly<Record<string, readonly Buffer[]>> = {
  'an unknown frame': [frame(0x55, 0, 0, Buffer.from('x'))],
  'unknown settings': [settingsFrame([[99, 1]])],
  'RST_STREAM on a closed stream': [resetFrame(1, 'CANCEL')],
  'WINDOW_UPDATE on a closed stream': [windowFrame(1, 5)],
  PRIORITY: [frame(TYPE.PRIORITY, 0, 3, Buffer.of(0, 0, 0, 1, 1))],
};

/** What comes first instead of the preface and SETTINGS; who speaks only HTTP/2 goes away. */
const BEGINNINGS: Readonly<Record<string, Buffer>> = {
  'no SETTINGS behind the preface': Buffer.concat([PREFACE, pingFrame()]),
  'a broken preface': Buffer.from('PRI * HTTP/2.0\r\n\r\nSX\r\n\r\n'),
  'HTTP/1.1': Buffer.from('GET / HTTP/1.1\r\nhost: a\r\n\r\n'),
};

async function isRefused(twin: Twin, octets: Buffer): Promise<boolean> {
  const port = twin.ports['only2'] ?? 0;
  const peer = await h2Connect(`127.0.0.1:${port}`, { settings: null });
  peer.write(octets);
  await ended(peer).catch(() => undefined);
  peer.close();
  return peer.end !== null && peer.streams.size === 0;
}

/** Code of the last GOAWAY, if any, and whether the connection is closed. */
async function verdict(twin: Twin, frames: readonly Buffer[]): Promise<string> {
  const peer = await h2Connect(`127.0.0.1:${twin.ports['main'] ?? 0}`);
  try {
    await ask(peer);
    peer.write(...frames);
    await Promise.race([ended(peer), peer.roundTrip(SETTLE_MS)]).catch(() => undefined);
    if (peer.end === null) return `open ${await ask(peer)}`;
    return `closed ${peer.goaways.at(-1)?.split(' ')[1] ?? 'silently'}`;
  } finally {
    peer.close();
  }
}

const http2 = (options: Json): TwinListener => ({ hcm: { http2_protocol_options: options } });
const common = (options: Json): TwinListener => ({
  hcm: { common_http_protocol_options: options, drain_timeout: '0.1s' },
});

const LISTENERS: Readonly<Record<string, TwinListener>> = {
  main: {},
  small: http2({
    max_concurrent_streams: 2,
    hpack_table_size: 8192,
    initial_stream_window_size: 65_535,
    initial_connection_window_size: 70_000,
  }),
  connect: http2({ allow_connect: true }),
  only2: { hcm: { codec_type: 'HTTP2' } },
  alive: http2({ connection_keepalive: { interval: '0.1s', timeout: '0.1s' } }),
  idle: common({ idle_timeout: '0.1s' }),
  old: common({ max_connection_duration: '0.1s' }),
  two: common({ max_requests_per_connection: 2 }),
  h2: { cluster: 'h2' },
};

async function bothVerdicts(
  { ours, envoy }: Twins,
  frames: readonly Buffer[],
): Promise<readonly [string, string]> {
  return [await verdict(ours, frames), await verdict(envoy, frames)];
}

t.test('serves connections as Envoy', { skip: withoutEnvoy }, async (t) => {
  const config = { log: null, listeners: LISTENERS, clusters: { h2: overHttp2() } };
  await withTwins(config, async (twins) => {
    const { ours, envoy } = twins;
    for (const visit of SAME) {
      const [mine, theirs] = [await visited(ours, visit), await visited(envoy, visit)];
      t.same(mine.toSorted(), theirs.toSorted(), visit.title);
    }
    for (const [title, octets] of Object.entries(BEGINNINGS)) {
      t.ok(await isRefused(ours, octets), `${title} is refused`);
      t.ok(await isRefused(envoy, octets), `${title}: as Envoy`);
    }
    for (const [title, frames] of Object.entries(IGNORED)) {
      const [mine, theirs] = await bothVerdicts(twins, frames);
      t.equal(mine, 'open 200', title);
      t.equal(mine, theirs, `${title}: as Envoy`);
    }
    // RFC 9113 §5.1: nothing but PRIORITY may follow END_STREAM, which Envoy puts up with.
    const late = await bothVerdicts(twins, [dataFrame(1, 'x')]);
    t.same(late, ['closed STREAM_CLOSED', 'open 200'], 'DATA on a closed stream');
    for (const [title, frames] of Object.entries(ERRORS)) {
      const [mine, theirs] = await bothVerdicts(twins, frames);
      // Envoy says nothing where its library leaves that to it.
      t.match(mine, /^closed [A-Z]/, `${title}: closed, and told why`);
      t.match(theirs, theirs === 'closed silently' ? /./ : new RegExp(mine), `${title}: as Envoy`);
    }
  });
});

t.test('refuses streams beyond the limit', { skip: withoutEnvoy }, async (t) => {
  const listeners = { main: http2({ max_concurrent_streams: 2 }) };
  await withTwins({ log: null, listeners }, async ({ ours, envoy }) => {
    const third = async (twin: Twin) => {
      const peer = await h2Connect(`127.0.0.1:${twin.ports['main'] ?? 0}`);
      await peer.until(() => peer.settingsAcks > 0);
      const [first, , last] = [1, 2, 3].map(() => peer.request(get('/'), { endStream: false }));
      if (first === undefined || last === undefined) return null;
      await peer.done(last);
      if (peer.end !== null) return 'all closed';
      peer.write(dataFrame(first.id, '', true));
      const outcome = `${last.reset}, the first ${statusOf(await peer.done(first))}`;
      peer.close();
      return outcome;
    };
    t.equal(await third(ours), 'REFUSED_STREAM, the first 200');
    t.equal(await third(envoy), 'all closed', 'Envoy closes the connection');
  });
});

t.test('makes connections as Envoy', { skip: withoutEnvoy }, async (t) => {
  const clusters = {
    h2: overHttp2(),
    two: { explicit_http_config: { http2_protocol_options: { max_concurrent_streams: 2 } } },
  };
  const listeners = { main: { cluster: 'h2' }, two: { cluster: 'two' } };
  await withTwins({ log: null, listeners, clusters }, async ({ ours, envoy }) => {
    const frames = async (twin: Twin) => {
      const peer = await h2Connect(`127.0.0.1:${twin.ports['main'] ?? 0}`);
      await peer.done(peer.request(get('/')));
      peer.close();
      return twin.upstream.frames().map((lines) => lines.slice(0, 2));
    };
    t.same(await frames(ours), await frames(envoy), 'SETTINGS and window for an upstream');
    const connections = async (twin: Twin) => {
      twin.upstream.take();
      twin.upstream.answer = { text: '', frames: () => Buffer.alloc(0) };
      const peer = await h2Connect(`127.0.0.1:${twin.ports['two'] ?? 0}`);
      for (let index = 0; index < 5; index += 1) peer.request(get('/'));
      const streams = () => twin.upstream.streamCounts();
      await eventually(() => streams().reduce((sum, count) => sum + count, 0) === 5);
      peer.close();
      return streams().toSorted();
    };
    t.same(await connections(ours), await connections(envoy), 'streams on each connection');
  });
});
