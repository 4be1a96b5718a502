// Sessions in a field of their own, and sessions around the value of a field that the upstream
// makes.
import type { HeaderList } from '../../../http/header-list.ts';
import type { RequestHead } from '../../../http/message.ts';
import { decodeBase64, encodeBase64, type SessionState } from './session-state.ts';

/** In front of the upstream's own value. */
const VALUE_MARK = 'UV:';

/** envoy.http.stateful_session.header: base64 of the address is the field's value. */
export class HeaderSession implements SessionState {
  readonly #name: string;

  constructor(name: string) {
    this.#name = name;
  }

  appliesTo(): boolean {
    return true;
  }

  addressIn(head: RequestHead): string | null {
    return decodeBase64(head.headers.getByName(this.#name) ?? '')?.toString('latin1') ?? null;
  }

  tell(headers: HeaderList, host: { readonly address: string; readonly isNew: boolean }): void {
    if (host.isNew) headers.set(this.#name, encodeBase64(host.address));
  }
}

/** envoy.http.stateful_session.envelope: `base64(address);UV:base64(value)`. */
export class EnvelopeSession implements SessionState {
  readonly #name: string;

  constructor(name: string) {
    this.#name = name;
  }

  appliesTo(): boolean {
    return true;
  }

  /** The upstream gets its own value back. */
  addressIn(head: RequestHead): string | null {
    const envelope = head.headers.getByName(this.#name);
    if (envelope === null) return null;
    const [address = '', ...rest] = envelope.split(';').filter((part) => part !== '');
    const own = rest.find((part) => part.startsWith(VALUE_MARK));
    const value = decodeBase64(own?.slice(VALUE_MARK.length) ?? '')?.toString('latin1') ?? '';
    // What it is made of may not become a field of its own.
    if (value === '' || /[\0\r\n]/.test(value)) return null;
    head.headers.set(this.#name, value);
    return decodeBase64(address)?.toString('latin1') ?? null;
  }

  /** Every time: the upstream's value may have changed. */
  tell(headers: HeaderList, host: { readonly address: string }): void {
    const values = headers.values(this.#name);
    const value = values.length === 1 ? values[0] : undefined;
    if (value === undefined) return;
    const envelope = `${encodeBase64(host.address)};${VALUE_MARK}${encodeBase64(value)}`;
    headers.set(this.#name, envelope);
  }
}
