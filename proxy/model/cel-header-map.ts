// Fields of a message, and filter state, as maps of CEL.
import type { CelMap, CelValue } from '../cel/values.ts';
import { isPrintableState } from '../formatter/printable-state.ts';
import type { HeaderList } from '../http/header-list.ts';
import type { RequestHead, ResponseHead } from '../http/message.ts';
import { joinedRequestField } from '../http/request-field.ts';
import type { StreamInfo } from '../http/stream-info.ts';

/** A request's pseudo-fields count as fields: :authority, :method, :path and :scheme. */
const PSEUDO_FIELDS = [':authority', ':method', ':path', ':scheme'];

/** request.headers */
export class RequestFields implements CelMap {
  readonly #head: RequestHead | null;

  constructor(head: RequestHead | null) {
    this.#head = head;
  }

  get size(): number {
    const head = this.#head;
    if (head === null) return 0;
    const pseudo = PSEUDO_FIELDS.filter((name) => joinedRequestField(head, name) !== null);
    return pseudo.length + head.headers.length;
  }

  get(key: CelValue): CelValue | undefined {
    if (typeof key !== 'string' || this.#head === null) return undefined;
    return celText(joinedRequestField(this.#head, key.toLowerCase()));
  }
}

/** response.headers */
export class ResponseFields implements CelMap {
  readonly #head: ResponseHead | null;

  constructor(head: ResponseHead | null) {
    this.#head = head;
  }

  get size(): number {
    return this.#head === null ? 0 : this.#head.headers.length + 1;
  }

  get(key: CelValue): CelValue | undefined {
    if (typeof key !== 'string' || this.#head === null) return undefined;
    const name = key.toLowerCase();
    if (name === ':status') return String(this.#head.status);
    return celText(joinedField(this.#head.headers, name));
  }
}

/** response.trailers */
export class TrailerFields implements CelMap {
  readonly #trailers: HeaderList | null;

  constructor(trailers: HeaderList | null) {
    this.#trailers = trailers;
  }

  get size(): number {
    return this.#trailers?.length ?? 0;
  }

  get(key: CelValue): CelValue | undefined {
    if (typeof key !== 'string' || this.#trailers === null) return undefined;
    return celText(joinedField(this.#trailers, key.toLowerCase()));
  }
}

/** filter_state: each object as Envoy serializes it, in octets. */
export class FilterStateFields implements CelMap {
  readonly #info: StreamInfo;

  constructor(info: StreamInfo) {
    this.#info = info;
  }

  get size(): number {
    const { filterState, downstream } = this.#info;
    return (filterState?.size ?? 0) + (downstream.filterState?.size ?? 0);
  }

  get(key: CelValue): CelValue | undefined {
    if (typeof key !== 'string') return undefined;
    const { filterState, downstream } = this.#info;
    const value = filterState?.get(key) ?? downstream.filterState?.get(key);
    if (isPrintableState(value)) return Buffer.from(value.asText());
    return typeof value === 'string' ? Buffer.from(value, 'latin1') : undefined;
  }
}

function joinedField(fields: HeaderList, name: string): string | null {
  const first = fields.getByName(name);
  if (first === null) return null;
  const values = fields.values(name);
  return values.length === 1 ? first : values.join(',');
}

/** Octets of a peer as text; undefined for nothing. */
export function celText(octets: string | null): string | undefined {
  if (octets === null) return undefined;
  for (let index = 0; index < octets.length; index += 1) {
    if (octets.charCodeAt(index) > 0x7f) return Buffer.from(octets, 'latin1').toString('utf8');
  }
  return octets;
}
