// Messages of istio.v1.auth.IstioCertificateService, by their field numbers: they are two, and small.
import { fromBinary, type JsonObject, toJson } from '@bufbuild/protobuf';
import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { StructSchema } from '@bufbuild/protobuf/wkt';

/** IstioCertificateRequest */
export interface CertificateRequest {
  /** PEM */
  readonly csr: string;
  /** 0 or less: the authority chooses. */
  readonly validityS: number;
  /** A google.protobuf.Struct; {} for none. */
  readonly metadata: JsonObject;
}

/** Path of the only method. */
export const CREATE_CERTIFICATE = '/istio.v1.auth.IstioCertificateService/CreateCertificate';

const REQUEST = { csr: 1, validity: 3, metadata: 4 } as const;
const CERT_CHAIN = 1;
const TAG_BITS = 3;
const TAG_MASK = 7;

/** Of a request without metadata. */
export function encodeRequest({ csr, validityS }: Omit<CertificateRequest, 'metadata'>): Buffer {
  const writer = new BinaryWriter().tag(REQUEST.csr, WireType.LengthDelimited).string(csr);
  if (validityS !== 0) writer.tag(REQUEST.validity, WireType.Varint).int64(validityS);
  return Buffer.from(writer.finish());
}

/** null: the octets are no such message. */
export function decodeRequest(bytes: Uint8Array): CertificateRequest | null {
  let request: CertificateRequest = { csr: '', validityS: 0, metadata: {} };
  const isRead = eachField(bytes, (number, reader, wireType) => {
    if (number === REQUEST.csr && wireType === WireType.LengthDelimited) {
      request = { ...request, csr: reader.string() };
    } else if (number === REQUEST.validity && wireType === WireType.Varint) {
      request = { ...request, validityS: Number(reader.int64()) };
    } else if (number === REQUEST.metadata && wireType === WireType.LengthDelimited) {
      const struct = fromBinary(StructSchema, reader.bytes());
      request = { ...request, metadata: toJson(StructSchema, struct) };
    } else {
      reader.skip(wireType, number);
    }
  });
  return isRead ? request : null;
}

/** IstioCertificateResponse: PEM, the leaf first, the root last. */
export function encodeResponse(certChain: readonly string[]): Buffer {
  const writer = new BinaryWriter();
  for (const pem of certChain) writer.tag(CERT_CHAIN, WireType.LengthDelimited).string(pem);
  return Buffer.from(writer.finish());
}

/** null: the octets are no such message. */
export function decodeResponse(bytes: Uint8Array): readonly string[] | null {
  const certChain: string[] = [];
  const isRead = eachField(bytes, (number, reader, wireType) => {
    const isChain = number === CERT_CHAIN && wireType === WireType.LengthDelimited;
    if (isChain) certChain.push(reader.string());
    else reader.skip(wireType, number);
  });
  return isRead ? certChain : null;
}

type OnField = (number: number, reader: BinaryReader, wireType: WireType) => void;

function eachField(bytes: Uint8Array, onField: OnField): boolean {
  const reader = new BinaryReader(bytes);
  try {
    while (reader.pos < reader.len) {
      const tag = reader.uint32();
      onField(tag >>> TAG_BITS, reader, tag & TAG_MASK);
    }
    return reader.pos === reader.len;
  } catch {
    // The library's reader throws on anything that is cut or malformed.
    return false;
  }
}
