// An HTTP/2 client that sends the frames that a test laid out, with prior knowledge, and reports
// what came back: the twin of wire-client.ts.
import { headersFrame } from './h2-frames.ts';
import type { Field } from './h2-hpack.ts';
import { fieldOf, H2Peer, type H2PeerOptions, type PeerStream } from './h2-peer.ts';
import { RawPeer } from './raw-peer.ts';
import { connectedOutside, type WireReport } from './wire-client.ts';
import { abbreviated, sortFields, type WireMessage } from './wire-message.ts';

/**
 * Frames, or what to wait for: the upstream was asked, content or a final head came, or this side's
 * frames were read.
 */
export type H2Step = Buffer | 'asked' | 'answered' | 'read';

/** What a client does on a connection of its own, once SETTINGS are exchanged. */
export interface H2Exchange extends H2PeerOptions {
  readonly steps: readonly H2Step[];
  /** Streams to wait for; stream 1 where nothing is said. */
  readonly streams?: readonly number[];
  /** Ends the connection when all steps are done, without waiting for an answer. */
  readonly leaves?: boolean;
  /** Waits this long for the connection's end; for what comes after a time. */
  readonly awaitsEndMs?: number;
}

/** Longer than anything that a proxy on this machine answers without being stuck. */
const STUCK_MS = 1_500;
const PROBE: readonly Field[] = [
  [':method', 'GET'],
  [':scheme', 'http'],
  [':authority', 'probe'],
  [':path', '/probe'],
];

/** What the upstream tells the client's steps. */
export interface AskedUpstream {
  /** Resolves when any request came since the exchange began. */
  asked(): Promise<void>;
}

/** Runs an exchange with the proxy on a port of loopback; the client's port is not in `taken`. */
export async function wireH2Exchange(
  port: number,
  exchange: H2Exchange,
  context: { readonly taken: ReadonlySet<number>; readonly upstream: AskedUpstream },
): Promise<WireReport> {
  const socket = await connectedOutside(port, context.taken);
  const localPort = socket.localPort ?? 0;
  const peer = new H2Peer(new RawPeer(socket), 'client', exchange);
  try {
    await until(peer, () => peer.settingsAcks > 0);
    for (const step of exchange.steps) await take(step, peer, context.upstream);
    if (exchange.leaves === true) {
      const responses = messages(peer, exchange);
      return { responses, ending: 'left', port: localPort };
    }
    const ending = await endingOf(peer, exchange);
    return { responses: messages(peer, exchange), ending, port: localPort };
  } finally {
    peer.raw.reset();
  }
}

async function take(step: H2Step, peer: H2Peer, upstream: AskedUpstream): Promise<void> {
  if (Buffer.isBuffer(step)) return peer.write(step);
  if (step === 'asked') return upstream.asked();
  if (step === 'read') return peer.roundTrip(STUCK_MS).catch(() => undefined);
  const isAnswered = () => [...peer.streams.values()].some((stream) => stream.body !== '');
  await until(peer, isAnswered);
}

async function endingOf(peer: H2Peer, exchange: H2Exchange): Promise<WireReport['ending']> {
  const wanted = (exchange.streams ?? [1]).map((id) => peer.stream(id));
  const isDone = ({ isEnded, reset }: PeerStream) => isEnded || reset !== null;
  await until(peer, () => peer.end !== null || wanted.every(isDone));
  if (exchange.awaitsEndMs !== undefined) {
    await until(peer, () => peer.end !== null, exchange.awaitsEndMs);
  }
  if (peer.end !== null) return 'closed';
  if (!wanted.every(isDone)) return 'stuck';
  // What was sent along with the end, such as a reset, is there when the probe is answered.
  const probe = peer.stream(PROBE_STREAM);
  peer.write(headersFrame(PROBE_STREAM, PROBE, 5));
  await until(peer, () => peer.end !== null || isDone(probe));
  if (peer.end !== null) return 'closed';
  return probe.isEnded ? 'open' : 'stuck';
}

/** Far above what any case uses. */
const PROBE_STREAM = 9_999;

function messages(peer: H2Peer, exchange: H2Exchange): readonly WireMessage[] {
  const streams = [...peer.streams.values()].filter(
    ({ id, blocks, reset }) => id !== PROBE_STREAM && (blocks.length > 0 || reset !== null),
  );
  const printed = streams.flatMap((stream) => streamMessages(stream));
  const goaways = peer.goaways.map((text) => notice(`HTTP/2 GOAWAY ${text}`));
  return exchange.leaves === true ? printed : [...printed, ...goaways];
}

function notice(startLine: string): WireMessage {
  return { startLine, fields: [], framing: 'none', body: '', trailers: [], isComplete: true };
}

/** A stream as messages: 1xx one by one, then the head with content and trailers. */
export function streamMessages(stream: PeerStream): readonly WireMessage[] {
  const isInterim = (block: readonly Field[]) => /^1/.test(fieldOf(block, ':status') ?? '');
  const interim = stream.blocks.filter(isInterim);
  const [head = [], ...trailers] = stream.blocks.filter((block) => !isInterim(block));
  const { body, isEnded, reset } = stream;
  const final: WireMessage = {
    startLine: startLineOf(head),
    fields: lines(head.filter(([name]) => !/^:(status|method|path)$/.test(name))),
    framing: stream.hasData ? 'data' : 'none',
    body: abbreviated(body),
    trailers: lines(trailers.flat()),
    isComplete: isEnded,
    ...(reset !== null && { reset }),
  };
  return [
    ...interim.map((block) => ({
      ...notice(startLineOf(block)),
      fields: lines(block.filter(([name]) => name !== ':status')),
    })),
    final,
  ];
}

function startLineOf(head: readonly Field[]): string {
  const status = fieldOf(head, ':status');
  if (status !== null) return `HTTP/2 ${status}`;
  if (head.length === 0) return 'HTTP/2 -';
  return `${fieldOf(head, ':method')} ${fieldOf(head, ':path')} HTTP/2`;
}

function lines(fields: readonly Field[]): readonly string[] {
  return sortFields(fields.map(([name, value]) => `${name}: ${value}`));
}

/** As `until`, but that it does not come true is an answer too. */
async function until(peer: H2Peer, condition: () => boolean, ms = STUCK_MS): Promise<void> {
  await peer.until(condition, ms).catch(() => undefined);
}
