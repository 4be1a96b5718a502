// A response of the state of the world from its octets. What is around its resources is read, and
// where they are; each of them is opened only when somebody takes it: thousands come at a time, and
// the loop has other things to do.
import { fromBinary } from '@bufbuild/protobuf';
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import type { Any } from '@bufbuild/protobuf/wkt';
import { type ControlPlane, ControlPlaneSchema } from '../api/gen/envoy/config/core/v3/base_pb.js';

/** Resources, one after the other; may be gone through again. */
export interface ResourceSequence extends Iterable<Any> {
  readonly length: number;
}

/** envoy.service.discovery.v3.DiscoveryResponse; a message of that type is one, too. */
export interface WorldResponse {
  readonly versionInfo: string;
  readonly resources: ResourceSequence;
  readonly typeUrl: string;
  readonly nonce: string;
  readonly controlPlane?: ControlPlane | undefined;
}

/** Fields of DiscoveryResponse. */
const VERSION_INFO = 1;
const RESOURCES = 2;
const TYPE_URL = 4;
const NONCE = 5;
const CONTROL_PLANE = 6;

/** Fields of Any. */
const ANY_TYPE_URL = 1;
const ANY_VALUE = 2;

/** Throws for what is no message. */
export function readWorldResponse(octets: Uint8Array): WorldResponse {
  // Views of a Buffer cost several times those of an array of octets.
  const plain = new Uint8Array(octets.buffer, octets.byteOffset, octets.byteLength);
  const reader = new BinaryReader(plain);
  const places = new Places(plain);
  const response = { versionInfo: '', typeUrl: '', nonce: '', resources: places };
  let controlPlane: ControlPlane | undefined;
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (wireType !== WireType.LengthDelimited) reader.skip(wireType, field);
    else if (field === RESOURCES) places.read(reader);
    else if (field === VERSION_INFO) response.versionInfo = reader.string();
    else if (field === TYPE_URL) response.typeUrl = reader.string();
    else if (field === NONCE) response.nonce = reader.string();
    else if (field === CONTROL_PLANE) controlPlane = fromBinary(ControlPlaneSchema, reader.bytes());
    else skipOctets(reader);
  }
  return controlPlane === undefined ? response : { ...response, controlPlane };
}

/** Behind a field that has a length, without a view of it. Throws when it is cut off. */
export function skipOctets(reader: BinaryReader): void {
  reader.pos = endOfField(reader, reader.len);
}

/** Where Anys are in octets. */
class Places implements ResourceSequence {
  readonly #octets: Uint8Array;
  readonly #typeUrls: string[] = [];
  /** Of the value of each: where it begins and ends. */
  readonly #at: number[] = [];
  /** What was found last, and where: those behind it mostly have the same. */
  #url = '';
  #urlStart = 0;
  #urlEnd = 0;

  constructor(octets: Uint8Array) {
    this.#octets = octets;
  }

  get length(): number {
    return this.#typeUrls.length;
  }

  *[Symbol.iterator](): Generator<Any, void> {
    for (const [index, typeUrl] of this.#typeUrls.entries()) {
      const value = this.#octets.subarray(this.#at[2 * index], this.#at[2 * index + 1]);
      yield { $typeName: 'google.protobuf.Any', typeUrl, value };
    }
  }

  /** Behind the tag of a resource. Throws for what is none. */
  read(reader: BinaryReader): void {
    const end = endOfField(reader, reader.len);
    let typeUrl = '';
    let [valueStart, valueEnd] = [end, end];
    while (reader.pos < end) {
      const [field, wireType] = reader.tag();
      if (wireType !== WireType.LengthDelimited) {
        reader.skip(wireType, field);
        continue;
      }
      const fieldEnd = endOfField(reader, end);
      if (field === ANY_TYPE_URL) typeUrl = this.#readUrl(reader.pos, fieldEnd);
      if (field === ANY_VALUE) [valueStart, valueEnd] = [reader.pos, fieldEnd];
      reader.pos = fieldEnd;
    }
    if (reader.pos !== end) throw new RangeError('premature EOF');
    this.#typeUrls.push(typeUrl);
    this.#at.push(valueStart, valueEnd);
  }

  #readUrl(start: number, end: number): string {
    if (this.#isLastUrl(start, end)) return this.#url;
    const { buffer, byteOffset } = this.#octets;
    this.#url = Buffer.from(buffer, byteOffset + start, end - start).toString();
    [this.#urlStart, this.#urlEnd] = [start, end];
    return this.#url;
  }

  #isLastUrl(start: number, end: number): boolean {
    const back = start - this.#urlStart;
    if (end - back !== this.#urlEnd) return false;
    for (let at = start; at < end; at += 1) {
      if (this.#octets[at] !== this.#octets[at - back]) return false;
    }
    return true;
  }
}

/** Of one with a length, whose octets begin where the reader is then. Throws when it is cut off. */
function endOfField(reader: BinaryReader, limit: number): number {
  const length = reader.uint32();
  const end = reader.pos + length;
  if (end > limit) throw new RangeError('premature EOF');
  return end;
}
