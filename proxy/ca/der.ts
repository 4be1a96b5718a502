// Builds DER (X.690) of what we write ourselves: certificates, and requests for them. Nothing that
// somebody else wrote is read here: x509 does that.
import asn1 from 'node-forge/lib/asn1.js';

/** An element that is not encoded yet. */
export type DerNode = ReturnType<typeof asn1.create>;

const TYPE = {
  boolean: 1,
  integer: 2,
  bitString: 3,
  octetString: 4,
  null: 5,
  oid: 6,
  utf8: 12,
  sequence: 16,
  set: 17,
  utcTime: 23,
  generalizedTime: 24,
} as const;
const { UNIVERSAL, CONTEXT_SPECIFIC } = asn1.Class;
/** RFC 5280 §4.1.2.5: UTCTime through 2049. */
const GENERALIZED_FROM_MS = Date.UTC(2050, 0, 1);

/** The octets of an element. */
export function toDer(node: DerNode): Buffer {
  return Buffer.from(asn1.toDer(node).getBytes(), 'latin1');
}

/** DER that OpenSSL, or we, wrote. */
export function encoded(der: Buffer): DerNode {
  return asn1.fromDer(der.toString('latin1'), { decodeBitStrings: false });
}

/** SEQUENCE */
export function sequence(...members: readonly DerNode[]): DerNode {
  return asn1.create(UNIVERSAL, TYPE.sequence, true, [...members]);
}

/** SET of one member, which needs no order. */
export function setOfOne(member: DerNode): DerNode {
  return asn1.create(UNIVERSAL, TYPE.set, true, [member]);
}

/** OBJECT IDENTIFIER of its dotted form. */
export function oid(dotted: string): DerNode {
  return asn1.create(UNIVERSAL, TYPE.oid, false, asn1.oidToDer(dotted).getBytes());
}

/** INTEGER that is not negative, of its octets. */
export function integer(octets: Buffer): DerNode {
  const isHigh = (octets[0] ?? 0) >= 0x80;
  return primitive(TYPE.integer, isHigh ? Buffer.concat([Buffer.alloc(1), octets]) : octets);
}

/** INTEGER from 0 to 127. */
export function smallInteger(value: number): DerNode {
  return primitive(TYPE.integer, Buffer.from([value]));
}

/** BOOLEAN TRUE; DER leaves FALSE out where it is the default. */
export function isTrue(): DerNode {
  return primitive(TYPE.boolean, Buffer.from([0xff]));
}

/** NULL */
export function nothing(): DerNode {
  return primitive(TYPE.null, Buffer.alloc(0));
}

/** UTF8String */
export function utf8(text: string): DerNode {
  return primitive(TYPE.utf8, Buffer.from(text, 'utf8'));
}

/** OCTET STRING */
export function octetString(octets: Buffer): DerNode {
  return primitive(TYPE.octetString, octets);
}

/** BIT STRING of whole octets. */
export function bitString(octets: Buffer): DerNode {
  return primitive(TYPE.bitString, Buffer.concat([Buffer.alloc(1), octets]));
}

/** BIT STRING of named bits (X.690 §11.2.2): the mask's bit n is bit n, at most 8 of them. */
export function namedBits(mask: number): DerNode {
  let octet = 0;
  let last = 0;
  for (let bit = 0; bit < 8; bit += 1) {
    if ((mask & (1 << bit)) === 0) continue;
    octet |= 0x80 >> bit;
    last = bit;
  }
  return primitive(TYPE.bitString, Buffer.from([7 - last, octet]));
}

/** Time of a certificate, in whole seconds. */
export function time(ms: number): DerNode {
  const date = new Date(ms);
  return ms < GENERALIZED_FROM_MS
    ? asn1.create(UNIVERSAL, TYPE.utcTime, false, asn1.dateToUtcTime(date))
    : asn1.create(UNIVERSAL, TYPE.generalizedTime, false, asn1.dateToGeneralizedTime(date));
}

/** `[number] EXPLICIT`, or IMPLICIT over something constructed. */
export function tagged(number: number, ...members: readonly DerNode[]): DerNode {
  return asn1.create(CONTEXT_SPECIFIC, number, true, [...members]);
}

/** `[number] IMPLICIT` over octets. */
export function taggedOctets(number: number, octets: Buffer): DerNode {
  return asn1.create(CONTEXT_SPECIFIC, number, false, octets.toString('latin1'));
}

function primitive(type: number, octets: Buffer): DerNode {
  return asn1.create(UNIVERSAL, type, false, octets.toString('latin1'));
}
