// x-forwarded-client-cert of requests: taken out, passed on, or told anew. Only a client that showed
// a certificate is believed what it says in it, but for ALWAYS_FORWARD_ONLY.
import { HEADER_ID } from '../../../http/header-names.ts';
import type { RequestHead } from '../../../http/message.ts';
import type { StreamInfo } from '../../../http/stream-info.ts';
import { peerCertificateOf, type TlsInfo } from '../../../http/tls-info.ts';
import type {
  ClientCertDetails,
  ClientCertForwarding,
  ClientCertPolicy,
} from '../../../model/client-cert.ts';
import { walkMatchTree } from '../../../model/walk-match-tree.ts';
import type { Certificate } from '../../../x509/certificate.ts';
import { jsonElement, textElement } from './client-cert-element.ts';

const FIELD = HEADER_ID['x-forwarded-client-cert'];

/** What is said of a connection, in either form, once somebody asked. */
interface Elements {
  text: string | null;
  json: string | null;
}

/** One per connection manager. */
export class ClientCertForwarder {
  readonly #config: ClientCertForwarding;
  /** By connection: its certificates stay the same for all its requests. */
  readonly #elements = new WeakMap<TlsInfo, Map<ClientCertDetails, Elements>>();

  constructor(config: ClientCertForwarding) {
    this.#config = config;
  }

  /** Does its work in place; the request's fields are what a matcher may look at. */
  apply(head: RequestHead, info: StreamInfo): void {
    const { matcher, policy } = this.#config;
    const chosen = matcher === null ? policy : (walkMatchTree(matcher, { head, info }) ?? policy);
    const { mode } = chosen;
    if (mode === 'always-forward-only') return;
    const { tls } = info.downstream;
    const peer = peerCertificateOf(tls);
    if (mode === 'sanitize' || tls === null || peer === null) head.headers.removeKnown(FIELD);
    else if (mode !== 'forward-only') this.#set(head, { tls, peer, policy: chosen });
  }

  #set(
    { headers }: RequestHead,
    { tls, peer, policy }: { tls: TlsInfo; peer: Certificate; policy: ClientCertPolicy },
  ): void {
    const { mode, details } = policy;
    const elements = this.#elementsOf(tls, details);
    const text = () => (elements.text ??= textElement(tls, peer, details));
    const json = () => (elements.json ??= jsonElement(tls, peer, details));
    const before = mode === 'append-forward' ? wellFormed(headers.get(FIELD) ?? '') : '';
    if (before === '') {
      headers.setKnown(FIELD, details.format === 'json' ? `[${json()}]` : text());
    } else if (isJson(before)) {
      // As Envoy: in whichever form it was begun.
      const isEmpty = /^\[\s*\]$/.test(before);
      headers.setKnown(FIELD, `${before.slice(0, -1)}${isEmpty ? '' : ','}${json()}]`);
    } else headers.setKnown(FIELD, `${before},${text()}`);
  }

  #elementsOf(tls: TlsInfo, details: ClientCertDetails): Elements {
    let known = this.#elements.get(tls);
    if (known === undefined) {
      known = new Map();
      this.#elements.set(tls, known);
    }
    let elements = known.get(details);
    if (elements === undefined) {
      elements = { text: null, json: null };
      known.set(details, elements);
    }
    return elements;
  }
}

function isJson(value: string): boolean {
  return value.startsWith('[') && value.endsWith(']');
}

/**
 * What the client sent, if our words behind it remain our words to whoever reads both: quotes that
 * are not closed would swallow them. '' : it cannot be read and is dropped.
 */
function wellFormed(value: string): string {
  if (isJson(value)) return isJsonText(value) ? value : '';
  return closesItsQuotes(value) ? value : '';
}

function isJsonText(value: string): boolean {
  try {
    JSON.parse(value);
    return true;
  } catch {
    // The parser says so only by throwing.
    return false;
  }
}

/** Inside of quotes a backslash takes the next character along. */
function closesItsQuotes(value: string): boolean {
  let isOpen = false;
  for (let at = value.indexOf('"'); at >= 0 && at < value.length; at += 1) {
    const character = value[at];
    if (character === '"') isOpen = !isOpen;
    else if (character === '\\' && isOpen) at += 1;
  }
  return !isOpen;
}
