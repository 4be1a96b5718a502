// The type-length-value triples behind the addresses of a PROXY header, version 2.
import type { TlvRule } from './options.ts';

/** Type and length. */
const TLV_HEADER_BYTES = 3;

/** Puts what the rules ask for into `metadata`; false when a triple is cut off. */
export function readTlvs(
  bytes: Buffer,
  rules: readonly TlvRule[],
  metadata: Map<string, Record<string, unknown>>,
): boolean {
  let at = 0;
  while (at < bytes.length) {
    if (bytes.length - at < TLV_HEADER_BYTES) return false;
    const start = at + TLV_HEADER_BYTES;
    const end = start + bytes.readUInt16BE(at + 1);
    if (end > bytes.length) return false;
    const type = bytes[at]!;
    for (const rule of rules) {
      if (rule.tlvType === type) store(rule, bytes.subarray(start, end), metadata);
    }
    at = end;
  }
  return true;
}

function store(rule: TlvRule, value: Buffer, metadata: Map<string, Record<string, unknown>>): void {
  const text = rule.isBase64 ? value.toString('base64') : printableUtf8(value);
  // Keys come from the configuration, and `__proto__` is one like any other.
  const values = metadata.get(rule.namespace) ?? Object.create(null);
  values[rule.key] = text;
  metadata.set(rule.namespace, values);
}

/** Octets that are no UTF-8 become `!` each. */
function printableUtf8(value: Buffer): string {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  try {
    return decoder.decode(value);
  } catch {
    return value.toString('latin1').replace(/[\u0080-\u00ff]/g, '!');
  }
}
