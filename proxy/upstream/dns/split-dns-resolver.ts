// For names that strangers give: questions to DNS servers take no thread, so slow ones hold up only
// each other, and only when there are very many of them.
import type { DnsAnswer, DnsQuestion, DnsResolver } from './dns-resolver.ts';
import { SystemDnsResolver } from './system-dns-resolver.ts';

/** Sockets that questions to servers may have at once. More wait. */
const MAX_TO_SERVERS = 256;

/** See the file's head. */
export class SplitDnsResolver implements DnsResolver {
  readonly #servers: DnsResolver = new SystemDnsResolver(MAX_TO_SERVERS);
  readonly #system: DnsResolver = new SystemDnsResolver();

  resolve(question: DnsQuestion, done: (answer: DnsAnswer) => void): void {
    const to = question.resolver.kind === 'servers' ? this.#servers : this.#system;
    to.resolve(question, done);
  }
}
