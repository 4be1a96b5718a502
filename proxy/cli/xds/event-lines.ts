// What a discovery server does with its clients, a line for each event as it happens.
import type { Client, Interest, ServerObserver } from '../../discovery-server/client.ts';
import type { Push } from '../../discovery-server/subscription.ts';
import { resourceType } from '../../xds/resource-types.ts';
import { printable } from '../certificate-text.ts';

/** How events are written. */
export interface EventLinesParts {
  readonly write: (line: string) => void;
  readonly isJson: boolean;
  readonly colour: boolean;
  /** Wall-clock ms. */
  readonly now: () => number;
  /** Names of those that do not exist for that client. */
  readonly missing: (client: Client, interest: Interest) => readonly string[];
}

/** What an event is about, for programs; absent members do not apply. */
interface EventFields {
  readonly event: 'open' | 'subscribe' | 'push' | 'ack' | 'nack' | 'end';
  readonly type?: string;
  readonly version?: string;
  readonly nonce?: string;
  readonly count?: number;
  readonly removed?: readonly string[];
  readonly names?: readonly string[];
  readonly missing?: readonly string[];
  readonly wildcard?: boolean;
  /** It only renews times to live. */
  readonly heartbeat?: boolean;
  readonly error?: string;
}

/** More names than these are counted. */
const LISTED_NAMES = 5;
const RED = '\u001b[31m';
const PLAIN = '\u001b[0m';

/** See the file's head. */
export class EventLines implements ServerObserver {
  readonly #parts: EventLinesParts;

  constructor(parts: EventLinesParts) {
    this.#parts = parts;
  }

  onOpen(client: Client): void {
    this.#write(client, { event: 'open' }, `connected: ${streamText(client)}`);
  }

  onInterest(client: Client, interest: Interest): void {
    const { isWildcard, names, typeUrl } = interest;
    const missing = this.#parts.missing(client, interest);
    const listed = listText([...names]);
    const asked = isWildcard ? ['everything', ...(listed === '' ? [] : [listed])] : [listed];
    const what = asked.join(' and ') || 'nothing any more';
    const absent = missing.length === 0 ? '' : `; there is no ${listText(missing)}`;
    this.#write(
      client,
      { event: 'subscribe', type: typeUrl, wildcard: isWildcard, names: [...names], missing },
      `${shortName(typeUrl)} asks for ${what}${absent}`,
    );
  }

  onPush(client: Client, push: Push): void {
    const { count, isHeartbeat, removed, typeUrl, version } = push;
    // Of interest to programs: people would see little else.
    if (isHeartbeat && !this.#parts.isJson) return;
    const gone = removed.length === 0 ? '' : `, without ${listText(removed)}`;
    const what = count === 1 ? '1 resource' : `${count} resources`;
    this.#write(
      client,
      {
        event: 'push',
        ...about(push),
        count,
        removed,
        ...(isHeartbeat ? { heartbeat: true } : {}),
      },
      `${shortName(typeUrl)} sent ${version}: ${what}${gone}`,
    );
  }

  onAnswer(client: Client, push: Push, error: string): void {
    const isGood = error === '';
    if (isGood && push.isHeartbeat && !this.#parts.isJson) return;
    const start = `${shortName(push.typeUrl)} ${isGood ? 'ACK' : 'NACK'} ${push.version}`;
    this.#write(
      client,
      { event: isGood ? 'ack' : 'nack', ...about(push), ...(isGood ? {} : { error }) },
      isGood ? start : `${start}: ${error}`,
    );
  }

  onEnd(client: Client, reason: string): void {
    const why = reason === '' ? '' : `: ${reason}`;
    this.#write(client, { event: 'end', error: reason }, `gone${why}`);
  }

  #write(client: Client, fields: EventFields, text: string): void {
    const { colour, isJson, now, write } = this.#parts;
    const time = new Date(now()).toISOString();
    const { isIncremental, node, peer, stream } = client;
    if (isJson) {
      const who = { stream, peer, node: node?.id ?? '', cluster: node?.cluster ?? '' };
      write(JSON.stringify({ time, ...who, variant: variantText(isIncremental), ...fields }));
      return;
    }
    // A peer's words must not steer the terminal.
    const line = `${time.slice(11, 23)} ${printable(node?.id || `#${stream}`)}  ${printable(text)}`;
    write(colour && fields.event === 'nack' ? RED + line + PLAIN : line);
  }
}

function about({ nonce, typeUrl, version }: Push): Omit<EventFields, 'event'> {
  return { type: typeUrl, version, nonce };
}

function streamText({ isIncremental, peer, typeUrl }: Client): string {
  const service = typeUrl === '' ? 'ADS' : shortName(typeUrl);
  return `${service} ${variantText(isIncremental)} from ${peer}`;
}

function variantText(isIncremental: boolean): string {
  return isIncremental ? 'delta' : 'sotw';
}

/** As the protocol's documents call it. */
function shortName(typeUrl: string): string {
  return resourceType(typeUrl).shortName;
}

function listText(names: readonly string[]): string {
  const listed = names.slice(0, LISTED_NAMES).join(', ');
  const rest = names.length - LISTED_NAMES;
  return rest > 0 ? `${listed} and ${rest} more` : listed;
}
