// Keys of session tickets, several at once: the first one encrypts, all of them decrypt, and every
// resumption gives a new ticket, as clients of TLS 1.3 show each only once. Node has one key and no
// renewal; the callback that has both is undocumented, used here only, and without it the first key
// serves as Node has it.
import { randomFillSync } from 'node:crypto';
import type { SecureContext } from 'node:tls';

/** Octets of a key's name, of what signs, and of what encrypts. */
const PART_BYTES = 16;
/** What Node takes as one key: the three parts in this order. */
export const TICKET_KEY_BYTES = 3 * PART_BYTES;

const UNKNOWN_KEY = 0;
/** The ticket is good, and another one shall replace it. */
const RENEW = 2;
const ENCRYPTED = 1;

interface TicketKey {
  readonly name: Buffer;
  readonly hmac: Buffer;
  readonly aes: Buffer;
}

/** Answer: verdict, HMAC key, AES key, name, initialisation vector. */
type TicketAnswer = readonly [number, Buffer?, Buffer?, Buffer?, Buffer?];

interface NativeContext {
  onticketkeycallback?: (name: Buffer, vector: Buffer, encrypts: boolean) => TicketAnswer;
  enableTicketKeyCallback?(): void;
}

/** Has a context that was made with the first of `keys` use all of them. */
export function useTicketRing(context: SecureContext, keys: readonly Buffer[]): void {
  const native = context.context as NativeContext;
  if (typeof native.enableTicketKeyCallback !== 'function') return;
  const ring = keys.map(partsOf);
  const first = ring[0];
  if (first === undefined) return;
  native.onticketkeycallback = (name, vector, encrypts) => {
    if (encrypts) {
      return [ENCRYPTED, first.hmac, first.aes, first.name, randomFillSync(vector)];
    }
    const key = ring.find((each) => each.name.equals(name));
    return key === undefined ? NOT_OURS : [RENEW, key.hmac, key.aes];
  };
  native.enableTicketKeyCallback();
}

function partsOf(key: Buffer): TicketKey {
  return {
    name: key.subarray(0, PART_BYTES),
    hmac: key.subarray(PART_BYTES, 2 * PART_BYTES),
    aes: key.subarray(2 * PART_BYTES, TICKET_KEY_BYTES),
  };
}

const NOT_OURS: TicketAnswer = [UNKNOWN_KEY, Buffer.alloc(PART_BYTES), Buffer.alloc(PART_BYTES)];
