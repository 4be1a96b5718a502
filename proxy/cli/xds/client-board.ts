// What a terminal shows of a discovery server: a line for each type of each client, with what was sent
// and what became of it, and below the newest events. It draws lines and knows no terminal.
import type { Client, Interest, ServerObserver } from '../../discovery-server/client.ts';
import type { Push } from '../../discovery-server/subscription.ts';
import { resourceType } from '../../xds/resource-types.ts';
import { tableText } from '../proxy-config/text-table.ts';
import { cut } from '../top/table.ts';

/** One type of one stream. */
interface TypeState {
  asked: string;
  /** Newest version that says anything new; '' : nothing was sent. */
  sent: string;
  /** Nonces of responses without an answer. */
  unanswered: readonly string[];
  /** Since when there is one. */
  waitingMs: number;
  /** Why the newest one that was answered is refused; '' : it is in use. */
  error: string;
}

/** One stream. */
interface StreamState {
  client: Client;
  readonly types: Map<string, TypeState>;
}

const TITLES = ['CLIENT', 'STREAM', 'TYPE', 'ASKS FOR', 'SENT', 'STATE'];
/** Events that are kept; more than fit on any screen. */
const MAX_EVENTS = 500;
/** The events have at least so many lines, the clients the rest. */
const EVENT_LINES = 8;
/** Of the title and the line between both parts. */
const OTHER_LINES = 2;
/** Names longer than this are cut: what became of them matters more. */
const MAX_CLIENT_WIDTH = 40;
const MS_PER_SECOND = 1000;
const RED = '\u001b[31m';
const PLAIN = '\u001b[0m';
const SCROLL_STEPS: ReadonlyMap<string, number> = new Map([
  ['k', -1],
  ['\u001b[A', -1],
  ['j', 1],
  ['\u001b[B', 1],
  ['\u001b[5~', -10],
  ['\u001b[6~', 10],
]);

/** See the file's head. */
export class ClientBoard implements ServerObserver {
  readonly #nowMs: () => number;
  readonly #streams = new Map<number, StreamState>();
  readonly #events: string[] = [];
  #headline = '';
  #firstRow = 0;

  /** `nowMs` is monotonic. */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** A line of what happens; what is served stands at the top as well. */
  add(text: string): void {
    for (const line of text.split('\n')) {
      if (line === '') continue;
      if (line.startsWith('serving ')) this.#headline = line;
      this.#events.push(line);
    }
    this.#events.splice(0, Math.max(0, this.#events.length - MAX_EVENTS));
  }

  /** True when the user wants to leave. */
  onKey(key: string): boolean {
    this.#firstRow = Math.max(0, this.#firstRow + (SCROLL_STEPS.get(key) ?? 0));
    return key === 'q' || key === '\u0003';
  }

  onOpen(client: Client): void {
    this.#streams.set(client.stream, { client, types: new Map() });
  }

  onInterest(client: Client, { isWildcard, names, typeUrl }: Interest): void {
    const all = isWildcard ? ['all'] : [];
    const [only = ''] = names;
    const some = names.size > 1 ? `${names.size} names` : only;
    const asked = [...all, ...(names.size > 0 ? [some] : [])].join(' and ');
    this.#typeOf(client, typeUrl).asked = asked === '' ? '-' : asked;
  }

  onPush(client: Client, { isHeartbeat, nonce, typeUrl, version }: Push): void {
    const state = this.#typeOf(client, typeUrl);
    if (state.unanswered.length === 0) state.waitingMs = this.#nowMs();
    state.unanswered = [...state.unanswered, nonce];
    if (!isHeartbeat) state.sent = version;
  }

  onAnswer(client: Client, { nonce, typeUrl }: Push, error: string): void {
    const state = this.#typeOf(client, typeUrl);
    // Those before it will not be answered any more.
    state.unanswered = state.unanswered.slice(state.unanswered.indexOf(nonce) + 1);
    state.waitingMs = this.#nowMs();
    state.error = error;
  }

  onEnd({ stream }: Client): void {
    this.#streams.delete(stream);
  }

  /** As many lines as fit, none wider than the terminal. */
  frame(width: number, height: number): readonly string[] {
    const room = Math.max(1, height - OTHER_LINES - EVENT_LINES);
    const table = this.#table();
    const [titles = '', ...rows] = table.lines;
    const most = Math.max(0, rows.length - room + 1);
    this.#firstRow = Math.min(this.#firstRow, most);
    const shown = rows.slice(this.#firstRow, this.#firstRow + room - 1);
    const hidden = rows.length - shown.length;
    const footer = hidden > 0 ? `${hidden} more lines: j and k scroll  ` : '';
    const top = [
      cut(this.#headline, width),
      cut(titles, width),
      ...shown.map((line, index) => {
        const text = cut(line, width);
        return table.bad.has(this.#firstRow + index) ? RED + text + PLAIN : text;
      }),
    ];
    const below = Math.max(0, height - top.length - 1);
    const events = below === 0 ? [] : this.#events.slice(-below);
    const middle = cut(`${'-'.repeat(3)} ${footer}q quit`, width);
    return [...top, middle, ...events.map((line) => cut(line, width))].slice(0, height);
  }

  /** Rows of every type of every stream, and which of them were refused. */
  #table(): { readonly lines: readonly string[]; readonly bad: ReadonlySet<number> } {
    const rows: (readonly string[])[] = [];
    const bad = new Set<number>();
    for (const { client, types } of this.#streams.values()) {
      const { isIncremental, node, stream, typeUrl } = client;
      const name = cut(node?.id || `#${stream}`, MAX_CLIENT_WIDTH);
      const service = typeUrl === '' ? 'ADS' : resourceType(typeUrl).shortName;
      const about = [name, `${service} ${isIncremental ? 'delta' : 'sotw'}`];
      if (types.size === 0) rows.push([...about, '', '', '', 'asks for nothing']);
      for (const [type, state] of types) {
        if (state.error !== '') bad.add(rows.length);
        const cells = [resourceType(type).shortName, state.asked, state.sent];
        rows.push([...about, ...cells, this.#stateText(state)]);
      }
    }
    const text = tableText({ titles: TITLES, rows });
    return { lines: text.trimEnd().split('\n'), bad };
  }

  #stateText({ error, sent, unanswered, waitingMs }: TypeState): string {
    const refused = error === '' ? '' : `NACK: ${error}`;
    if (unanswered.length === 0) return sent === '' ? 'nothing to send' : refused || 'ACK';
    const seconds = Math.floor((this.#nowMs() - waitingMs) / MS_PER_SECOND);
    const waits = `${unanswered.length} unanswered for ${seconds} s`;
    return refused === '' ? waits : `${waits}, before: ${refused}`;
  }

  #typeOf(client: Client, typeUrl: string): TypeState {
    const stream = this.#streams.get(client.stream) ?? { client, types: new Map() };
    this.#streams.set(client.stream, stream);
    stream.client = client;
    let state = stream.types.get(typeUrl);
    if (state === undefined) {
      state = { asked: '', sent: '', unanswered: [], waitingMs: 0, error: '' };
      stream.types.set(typeUrl, state);
    }
    return state;
  }
}
