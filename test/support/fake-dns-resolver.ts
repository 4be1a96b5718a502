// A resolver whose answers the test gives. Strict: one open question per name and family.
import assert from 'node:assert/strict';
import type { DnsAnswer, DnsQuestion, DnsResolver } from '../../proxy/upstream/dns/dns-resolver.ts';

/** See the file's head. */
export class FakeDnsResolver implements DnsResolver {
  /** Names in the order in which they were asked for. */
  readonly asked: string[] = [];
  readonly questions: DnsQuestion[] = [];
  readonly #open = new Map<string, (answer: DnsAnswer) => void>();

  resolve(question: DnsQuestion, done: (answer: DnsAnswer) => void): void {
    assert.ok(!this.#open.has(question.name), `${question.name} is asked for already`);
    this.asked.push(question.name);
    this.questions.push(question);
    this.#open.set(question.name, done);
  }

  get openNames(): readonly string[] {
    return [...this.#open.keys()];
  }

  /** The name has these addresses. */
  answer(name: string, ips: readonly string[], ttlMs: number | null = null): void {
    this.#take(name)({ status: 'completed', ips, ttlMs });
  }

  fail(name: string): void {
    this.#take(name)({ status: 'failed', reason: 'EAI_AGAIN' });
  }

  #take(name: string): (answer: DnsAnswer) => void {
    const done = this.#open.get(name);
    assert.ok(done, `${name} was not asked for; open: ${this.openNames.join(' ')}`);
    this.#open.delete(name);
    return done;
  }
}
