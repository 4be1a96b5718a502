// Groups of key exchange. OpenSSL tells a server's user nothing of the one it took, but what it
// decides by is known: the client's offer and our own list.
import type { ClientHello } from './client-hello.ts';

/** IANA's numbers of what OpenSSL calls so, and Envoy's name. */
const GROUPS: Readonly<Record<string, readonly [number, string]>> = {
  'P-256': [23, 'P-256'],
  prime256v1: [23, 'P-256'],
  'P-384': [24, 'P-384'],
  secp384r1: [24, 'P-384'],
  'P-521': [25, 'P-521'],
  secp521r1: [25, 'P-521'],
  X25519: [29, 'X25519'],
  X448: [30, 'X448'],
};

/** Our own groups in order. */
export class KeyGroups {
  readonly #own: readonly (readonly [number, string])[];

  /** `groups` as for OpenSSL: names with `:` between them. */
  constructor(groups: string) {
    this.#own = groups
      .split(':')
      .map((name) => GROUPS[name])
      .filter((group) => group !== undefined);
  }

  /** Envoy's name of the group that a server takes; '' where it can't be told. */
  chosen(hello: ClientHello, version: string): string {
    const offered = hello.groups;
    if (offered.length === 0) return '';
    if (version === 'TLSv1.3') {
      // The first key that was sent and that we take; without one the client is asked for another.
      const sent = hello.keyShares.find((share) => this.#own.some(([number]) => number === share));
      if (sent !== undefined) return this.#nameOf(sent);
    }
    return this.#own.find(([number]) => offered.includes(number))?.[1] ?? '';
  }

  #nameOf(group: number): string {
    return this.#own.find(([number]) => number === group)?.[1] ?? '';
  }
}
