// Finds what decides about a TLS connection (names, protocols, what the client is capable of) in the
// client's first message, in whatever pieces it arrives and however it is spread over records. What a TLS server would not answer is not TLS.

/** What the octets so far are. */
export type HelloVerdict = 'more' | 'hello' | 'not-tls';

/** RFC 8446 §5.1: type, version, length. */
const RECORD_HEADER_BYTES = 5;
const HANDSHAKE_RECORD = 22;
/** RFC 5246 §6.2.1: 2^14, and what encryption may add to it, as TLS servers take it. */
const MAX_RECORD_BYTES = 16_384 + 256 + 64;
/** RFC 8446 §4: type and length. */
const MESSAGE_HEADER_BYTES = 4;
const CLIENT_HELLO = 1;
/** A longer message is answered by no server; also bounds what is kept. */
const MAX_MESSAGE_BYTES = 16_384;
/** Records without content carry nothing forward: more than a few in a row are an attack. */
const MAX_EMPTY_RECORDS = 32;
/** SSL 3.0 is answered by nobody any more (RFC 7568). */
const MIN_LEGACY_VERSION = 0x0301;
const RANDOM_BYTES = 32;
const MAX_SESSION_ID_BYTES = 32;
/** RFC 6066 §3, RFC 7301 §3.1, RFC 8446 §4.2.1. */
const SERVER_NAME = 0;
const STATUS_REQUEST = 5;
const SUPPORTED_GROUPS = 10;
const SIGNATURE_ALGORITHMS = 13;
const ALPN = 16;
const SUPPORTED_VERSIONS = 43;
const KEY_SHARE = 51;
const HOST_NAME = 0;
const MAX_HOST_NAME_BYTES = 255;

/** What a client says of itself. */
export interface ClientHello {
  /** SNI in lower case, '' for none. */
  readonly serverName: string;
  /** In the client's order; null: it offered none. */
  readonly protocols: readonly string[] | null;
  /** IANA's numbers, in the client's order; empty where the extension is missing or broken. */
  readonly cipherSuites: readonly number[];
  readonly groups: readonly number[];
  readonly signatureSchemes: readonly number[];
  /** Groups that it sent a key for already; TLS 1.3 only. */
  readonly keyShares: readonly number[];
  /** It asks for an OCSP response. */
  readonly asksForStatus: boolean;
}

/** A client of which nothing is known. */
export const NO_CLIENT_HELLO: ClientHello = Object.freeze({
  serverName: '',
  protocols: null,
  cipherSuites: [],
  groups: [],
  signatureSchemes: [],
  keyShares: [],
  asksForStatus: false,
});

/** Reads one connection's ClientHello. */
export class ClientHelloReader implements ClientHello {
  /** SNI in lower case, '' for none. Valid after `hello`. */
  serverName = '';
  /** In the client's order; null: it offered none. Valid after `hello`. */
  protocols: readonly string[] | null = null;
  asksForStatus = false;
  /** Octets looked at when the verdict was reached. */
  bytesProcessed = 0;
  /** Where the next record begins. */
  #next = 0;
  #emptyRecords = 0;
  #suites: Buffer = NO_OCTETS;
  readonly #lists = new Map<number, Buffer>();
  /** Handshake octets so far, without record headers. */
  #message: Buffer = Buffer.alloc(0);

  get cipherSuites(): readonly number[] {
    return numbersOf(this.#suites);
  }

  get groups(): readonly number[] {
    return listOf(this.#lists.get(SUPPORTED_GROUPS));
  }

  get signatureSchemes(): readonly number[] {
    return listOf(this.#lists.get(SIGNATURE_ALGORITHMS));
  }

  get keyShares(): readonly number[] {
    return readKeyShares(this.#lists.get(KEY_SHARE));
  }

  /** `bytes[0, length)` are all octets since the connection began: the same as before, and more. */
  read(bytes: Buffer, length: number): HelloVerdict {
    for (;;) {
      const verdict = this.#readRecord(bytes, length);
      if (verdict !== 'next') return verdict;
    }
  }

  #readRecord(bytes: Buffer, length: number): HelloVerdict | 'next' {
    const start = this.#next + RECORD_HEADER_BYTES;
    if (length < start) return 'more';
    this.bytesProcessed = start;
    const size = bytes.readUInt16BE(this.#next + 3);
    const isHandshake = bytes[this.#next] === HANDSHAKE_RECORD && bytes[this.#next + 1] === 3;
    if (!isHandshake || size > MAX_RECORD_BYTES) return 'not-tls';
    if (length < start + size) return 'more';
    this.#next = start + size;
    this.bytesProcessed = this.#next;
    if (size === 0) {
      this.#emptyRecords += 1;
      return this.#emptyRecords > MAX_EMPTY_RECORDS ? 'not-tls' : 'next';
    }
    this.#emptyRecords = 0;
    return this.#readMessage(bytes.subarray(start, start + size));
  }

  #readMessage(part: Buffer): HelloVerdict | 'next' {
    const message = this.#message.length === 0 ? part : Buffer.concat([this.#message, part]);
    // Borrowed octets end with this call.
    this.#message = message === part ? Buffer.from(part) : message;
    if (message[0] !== CLIENT_HELLO) return 'not-tls';
    if (message.length < MESSAGE_HEADER_BYTES) return 'next';
    const size = message.readUIntBE(1, 3);
    if (size > MAX_MESSAGE_BYTES) return 'not-tls';
    const end = MESSAGE_HEADER_BYTES + size;
    if (message.length < end) return 'next';
    return this.#readHello(new Cursor(message, MESSAGE_HEADER_BYTES, end)) ? 'hello' : 'not-tls';
  }

  /** RFC 8446 §4.1.2. */
  #readHello(hello: Cursor): boolean {
    const version = hello.number(2);
    hello.skip(RANDOM_BYTES);
    const sessionId = hello.vector(1);
    const suites = hello.vector(2);
    const compressions = hello.vector(1);
    if (hello.isBroken || sessionId.left > MAX_SESSION_ID_BYTES) return false;
    if (suites.left < 2 || suites.left % 2 !== 0 || compressions.left < 1) return false;
    this.#suites = suites.rest();
    if (hello.left === 0) return version >= MIN_LEGACY_VERSION;
    const extensions = hello.vector(2);
    if (hello.isBroken || hello.left > 0) return false;
    return this.#readExtensions(extensions, version);
  }

  #readExtensions(extensions: Cursor, legacyVersion: number): boolean {
    const seen = new Set<number>();
    let isVersionKnown = legacyVersion >= MIN_LEGACY_VERSION;
    while (extensions.left > 0) {
      const type = extensions.number(2);
      const content = extensions.vector(2);
      if (extensions.isBroken || seen.has(type)) return false;
      seen.add(type);
      if (type === SERVER_NAME && !this.#readServerName(content)) return false;
      if (type === STATUS_REQUEST) this.asksForStatus = true;
      if (KEPT_LISTS.has(type)) this.#lists.set(type, content.rest());
      if (type === ALPN) this.protocols = readProtocols(content);
      if (type === SUPPORTED_VERSIONS) isVersionKnown = hasKnownVersion(content);
    }
    return isVersionKnown;
  }

  #readServerName(content: Cursor): boolean {
    const names = content.vector(2);
    const type = names.number(1);
    const name = names.vector(2);
    if (content.isBroken || content.left > 0 || names.isBroken || names.left > 0) return false;
    if (type !== HOST_NAME || name.left === 0 || name.left > MAX_HOST_NAME_BYTES) return false;
    const octets = name.rest();
    if (octets.includes(0)) return false;
    // Host names are ASCII; whatever else is sent must not turn into it.
    this.serverName = octets.toString('latin1').replace(/[A-Z]/g, (it) => it.toLowerCase());
    return true;
  }
}

const NO_OCTETS = Buffer.alloc(0);
/** Extensions that are read when somebody asks. */
const KEPT_LISTS: ReadonlySet<number> = new Set([
  SUPPORTED_GROUPS,
  SIGNATURE_ALGORITHMS,
  KEY_SHARE,
]);

/** Numbers of 16 bits behind the length of all of them. */
function listOf(content: Buffer | undefined): readonly number[] {
  if (content === undefined) return [];
  const cursor = new Cursor(content, 0, content.length);
  const list = cursor.vector(2);
  return cursor.isBroken ? [] : numbersOf(list.rest());
}

function numbersOf(octets: Buffer): readonly number[] {
  const numbers: number[] = [];
  for (let at = 0; at + 2 <= octets.length; at += 2) numbers.push(octets.readUInt16BE(at));
  return numbers;
}

/** RFC 8446 §4.2.8. */
function readKeyShares(content: Buffer | undefined): readonly number[] {
  if (content === undefined) return [];
  const shares = new Cursor(content, 0, content.length).vector(2);
  const groups: number[] = [];
  while (shares.left > 0) {
    const group = shares.number(2);
    shares.vector(2);
    if (shares.isBroken) return groups;
    groups.push(group);
  }
  return groups;
}

/** A list that is not well-formed counts as none: the TLS server behind will say so. */
function readProtocols(content: Cursor): readonly string[] | null {
  const list = content.vector(2);
  if (content.isBroken || content.left > 0 || list.left < 2) return null;
  const protocols: string[] = [];
  while (list.left > 0) {
    const name = list.vector(1);
    if (list.isBroken || name.left === 0) return null;
    protocols.push(name.rest().toString('latin1'));
  }
  return protocols;
}

/** TLS 1.0 to 1.3 is among the versions of RFC 8446 §4.2.1. */
function hasKnownVersion(content: Cursor): boolean {
  const versions = content.vector(1);
  if (content.isBroken || content.left > 0 || versions.left === 0) return false;
  let isKnown = false;
  while (versions.left > 0) {
    const version = versions.number(2);
    isKnown ||= version >= MIN_LEGACY_VERSION && version <= 0x0304;
  }
  return isKnown && !versions.isBroken;
}

/** Reads TLS's presentation language; what is too short breaks it for good. */
class Cursor {
  readonly #bytes: Buffer;
  #at: number;
  readonly #end: number;
  isBroken = false;

  constructor(bytes: Buffer, at: number, end: number) {
    this.#bytes = bytes;
    this.#at = at;
    this.#end = end;
  }

  get left(): number {
    return this.#end - this.#at;
  }

  /** An unsigned number of `size` octets; 0 when broken. */
  number(size: 1 | 2): number {
    if (!this.#has(size)) return 0;
    const value = this.#bytes.readUIntBE(this.#at, size);
    this.#at += size;
    return value;
  }

  skip(size: number): void {
    if (this.#has(size)) this.#at += size;
  }

  /** What follows its length of `size` octets; empty when broken. */
  vector(size: 1 | 2): Cursor {
    const length = this.number(size);
    if (!this.#has(length)) return new Cursor(this.#bytes, 0, 0);
    const start = this.#at;
    this.#at += length;
    return new Cursor(this.#bytes, start, this.#at);
  }

  rest(): Buffer {
    return this.#bytes.subarray(this.#at, this.#end);
  }

  #has(size: number): boolean {
    if (!this.isBroken && this.left >= size) return true;
    this.isBroken = true;
    return false;
  }
}
